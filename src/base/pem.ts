/** What stands in a config for a certificate or a key: what is in the file, or its path? */
export const isPem = (text: string): boolean => text.includes('-----BEGIN ')

/** What kind of address a text is. */

/**
 * 4 or 6; 0: it is no IP address. Asked of Node.js, whose module for that is loaded with the first
 * question: most threads have none, and it takes each of them half a millisecond.
 */
export const ipFamily = (host: string): number => process.getBuiltinModule('node:net').isIP(host)

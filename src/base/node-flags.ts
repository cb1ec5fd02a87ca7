/** The flags that Node.js was given: all threads have them. */
export const nodeFlags = (): string => [...process.execArgv, process.env.NODE_OPTIONS].join(' ')

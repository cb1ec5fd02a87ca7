/** Where the entry modules of threads are: beside this file, with the extension that it has. */

/** Through the folder: joined with all the others, this module lies in another one. */
export const entryOf = (thread: 'worker' | 'socket'): URL =>
  new URL(`../threads/${thread}${import.meta.url.slice(-3)}`, import.meta.url)

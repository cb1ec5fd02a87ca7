/**
 * There are two builds of this room. The full one is for Node.js and for who writes a page: it
 * checks arguments, says in words what is wrong, and has the short cuts that a gate needs. Pages
 * in use load the other one, in which `tools/bundle.mjs` makes this false: what stands behind it
 * is gone.
 *
 * Never behind it: what a peer sends is checked by both, and errors have the same codes.
 */
export const FULL: boolean = true

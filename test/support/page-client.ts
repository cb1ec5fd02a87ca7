/** Loaded with `--import`: then the modules of the client are as pages in use have them. */
import { register } from 'node:module'

const HOOK = `export const load = (url, context, next) =>
  url.endsWith('/src/client/full.js')
    ? { format: 'module', shortCircuit: true, source: 'export const FULL = false' }
    : next(url, context)`

register(`data:text/javascript,${encodeURIComponent(HOOK)}`)

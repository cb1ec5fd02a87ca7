/** The codec of messages between threads. `copy.ts` means the same without bytes. */
export { Packer } from './pack.ts'
export { unpack } from './unpack.ts'

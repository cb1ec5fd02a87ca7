/** Bytes of users, who have more than one class for them. */

/** The same bytes, not copied, with the methods of a Buffer. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

const kindOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get!

/** Of any class and realm, by what V8 knows of it: never looks into a value, whatever it is. */
export const isUint8Array = (value: unknown): value is Uint8Array =>
  kindOf.call(value) === 'Uint8Array'

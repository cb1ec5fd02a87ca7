/**
 * Room on the stack. A service may call the runtime where its stack ends: what must not be left
 * half done asks for room first, and then it is the service that gets the `RangeError`.
 */

/**
 * @param frames More than what follows takes, however small the frames of this function are.
 * @throws {RangeError} When there is less room.
 */
export function checkStack(frames: number): number {
  return frames === 0 ? 0 : 1 + checkStack(frames - 1)
}

/** Why a value cannot be packed or copied, and where: the path is built while unwinding. */
import { SkynetError } from '../base/errors.ts'
import { MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX } from '../base/limits.ts'

type Code = 'ERR_MESSAGE_UNSUPPORTED' | 'ERR_MESSAGE_TOO_DEEP' | 'ERR_MESSAGE_TOO_LARGE'

/** Thrown inside a walk only; each level adds its step, the door turns it into a SkynetError. */
export class Refusal {
  readonly code: Code
  readonly type: string
  readonly bytes: number
  /** Innermost step first. */
  readonly steps: string[] = []

  constructor(code: Code, type = '', bytes = 0) {
    this.code = code
    this.type = type
    this.bytes = bytes
  }

  toError(root: string): SkynetError {
    const path = root + this.steps.reverse().join('')
    if (this.code === 'ERR_MESSAGE_TOO_LARGE')
      return new SkynetError(this.code, { bytes: this.bytes, limit: MESSAGE_BYTES_MAX })
    if (this.code === 'ERR_MESSAGE_TOO_DEEP')
      return new SkynetError(this.code, { path, limit: MESSAGE_DEPTH_MAX })
    return new SkynetError(this.code, { path, type: this.type })
  }
}

export const refuse = (value: unknown) => new Refusal('ERR_MESSAGE_UNSUPPORTED', typeName(value))
export const tooDeep = () => new Refusal('ERR_MESSAGE_TOO_DEEP')
export const tooLarge = (bytes: number) => new Refusal('ERR_MESSAGE_TOO_LARGE', '', bytes)

/** Adds a step to a refusal that passes by; errors of getters pass as they are. */
export function passing(error: unknown, step: string): unknown {
  if (error instanceof Refusal) error.steps.push(step)
  return error
}

export const indexStep = (index: number): string => `[${index}]`

export function keyStep(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** Where a Map holds a value: by its key when that can be written, else by position. */
export function mapStep(key: unknown, index: number): string {
  if (typeof key === 'string') return `.get(${JSON.stringify(key)})`
  if (typeof key === 'number' || typeof key === 'boolean') return `.get(${key})`
  return `.values()[${index}]`
}

function typeName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value
  if (ArrayBuffer.isView(value) && value.buffer instanceof SharedArrayBuffer)
    return 'SharedArrayBuffer'
  try {
    const name: unknown = value.constructor?.name
    return typeof name === 'string' && name !== '' ? name : 'object'
  } catch {
    return 'object'
  }
}

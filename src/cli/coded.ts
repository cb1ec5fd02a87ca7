/**
 * Errors as the command line sees them. A config in TypeScript brings a loader, by which the rest
 * of the program may be loaded again: then there are two classes of each error.
 */
import type { ErrorCode } from '../base/errors.ts'

export const hasCode = (error: unknown, code: ErrorCode): boolean =>
  error instanceof Error && 'code' in error && error.code === code

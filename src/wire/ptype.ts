/** Message types, with Skynet's numbers (PTYPE_*). */
export const PTYPE = {
  TEXT: 0,
  RESPONSE: 1,
  MULTICAST: 2,
  CLIENT: 3,
  SYSTEM: 4,
  HARBOR: 5,
  SOCKET: 6,
  ERROR: 7,
  QUEUE: 8,
  DEBUG: 9,
  /** A method call: the value is `[method, ...args]`. */
  LUA: 10,
  SNAX: 11,
  TRACE: 12,
} as const

/** Somebody waits for it. */
export const isAnswerType = (type: number): boolean =>
  type === PTYPE.RESPONSE || type === PTYPE.ERROR

export type Ptype = (typeof PTYPE)[keyof typeof PTYPE]

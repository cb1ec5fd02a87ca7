/** The message types of the runtime itself, and what holds for each. All others are requests. */
import { PTYPE } from '../wire/ptype.ts'

interface MessageType {
  /** What the runtime itself says: nobody else sends or handles it. */
  readonly isReserved: boolean
  /** A setup may wait for it. What is not, waits itself until the setup is done. */
  readonly isEarly: boolean
}

/** What a feature does with one is a row of skynet/features.ts. */
const TYPES: { readonly [K in keyof typeof PTYPE]?: MessageType } = {
  RESPONSE: { isReserved: true, isEarly: true },
  ERROR: { isReserved: true, isEarly: true },
  SOCKET: { isReserved: true, isEarly: true },
  MULTICAST: { isReserved: true, isEarly: true },
  SYSTEM: { isReserved: true, isEarly: true },
  TRACE: { isReserved: true, isEarly: false },
}

const those = (trait: keyof MessageType): ReadonlySet<number> =>
  new Set(
    Object.entries(TYPES)
      .filter(([, type]) => type[trait])
      .map(([name]) => PTYPE[name as keyof typeof PTYPE]),
  )

export const RESERVED_TYPES = those('isReserved')
export const EARLY_TYPES = those('isEarly')

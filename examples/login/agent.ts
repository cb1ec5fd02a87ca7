/** Plays for one user, as long as the session lasts: also while its client is away. */
import { defineService, type Timer } from 'skynet-ts'

/** It says what it hears, after it has thought about it. */
const THINK_MS = 100
/** Who stays away for so long does not come back. */
const AWAY_MS = 10 * 60_000

export default defineService((skynet, uid: string) => {
  const endLater = (): Timer => skynet.timeout(AWAY_MS, () => skynet.exit())
  /** It runs while the client is away, also before it has come. */
  let away = endLater()
  skynet.log(`${uid} plays`)
  skynet.onExit(() => skynet.log(`${uid} has left`))

  return {
    async request(body: Buffer): Promise<Buffer> {
      away.cancel()
      await skynet.sleep(THINK_MS)
      // Once this is answered.
      if (body.equals(Buffer.from('quit'))) skynet.timeout(1, () => skynet.exit())
      return body
    },

    /** Its client has lost its connection, and may come back. */
    afk(): void {
      away.cancel()
      away = endLater()
    },

    quit(): void {
      skynet.exit()
    },
  }
})

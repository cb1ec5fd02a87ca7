/** What clients may ask, and what they are told: the protocol of Skynet's example. */
import { sproto } from 'skynet-ts/codec'

const head = `.package {
  type 0 : integer
  session 1 : integer
}`

/** From client to server. */
export const c2s = sproto(
  head,
  `
handshake 1 {
  response { msg 0 : string }
}
get 2 {
  request { what 0 : string }
  response { result 0 : string }
}
set 3 {
  request { what 0 : string  value 1 : string }
}
quit 4 {}
`,
)

/** From server to client. */
export const s2c = sproto(head, 'heartbeat 1 {}')

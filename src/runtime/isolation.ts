// How far the sandboxes of a class are kept apart from everything else, told from the network that they are really in.
// An internal network alone keeps nobody from the host, which answers at the network's own gateway address; and
// without that address it still has one of IPv6 on its side of the network, for who makes packets by hand.

import { type Static, Type } from '@sinclair/typebox'
import type { HeldNetwork } from './held.ts'

/**
 * - `blocked`: nothing in the sandbox's network leads there
 * - `reachable`: nothing of ours is in between; firewalls of the operator's and the peer's own sign-in may be
 */
const Reach = Type.Union([Type.Literal('blocked'), Type.Literal('reachable')])
type Reach = Static<typeof Reach>

/** What one student's sandbox reaches over the network. There is no other way: it has no mount, device or socket of the host. */
export const Isolation = Type.Object({
  /** Sandboxes of the same class share one network, since the proxy must reach each. */
  classmates: Reach,
  /** Some engines keep networks with a way out apart all the same; others do not. */
  otherClasses: Reach,
  /** Whatever listens on the engine's host, at any of its addresses. */
  host: Reach,
  /** Its TCP port, where it has one; its socket is in no sandbox. */
  engine: Reach,
  store: Reach,
  /** 169.254.169.254, which is an address of the host itself on some clouds. */
  cloudMetadata: Reach,
  internet: Reach,
})
export type Isolation = Static<typeof Isolation>

export function isolationOf({ internal, hasHost, rawPackets }: HeldNetwork): Isolation {
  const outside: Reach = internal ? 'blocked' : 'reachable'
  // Engine, store and metadata may be on the host.
  const host: Reach = internal && !hasHost && !rawPackets ? 'blocked' : 'reachable'
  return {
    classmates: 'reachable',
    otherClasses: outside,
    host,
    engine: host,
    store: host,
    cloudMetadata: host,
    internet: outside,
  }
}

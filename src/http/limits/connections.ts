// How many connections there are at once, in all and from each address. A connection costs a caller nothing and the service a
// file descriptor, so one on which no request is under way is never in anybody's way: where there are too many, the one of
// them that has been silent for longest makes room. Only an address whose connections all work is refused another one.

import type { Server, Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { callerAddress } from './address.ts'

/** Each holds a file descriptor, of which a process usually has a thousand or more thousands. */
export const connectionsAtOnce = 2_000
/** Node itself ends what is above this, unseen: those that are being ended count for it a little longer. */
const endedAtOnce = 100
/** For the head of a request to come in, from when the connection is made: also how long one may say nothing at first. */
export const headMs = 10_000
/** How often it is looked for those that took too long. */
export const headCheckMs = 2_000
/** One line a minute: a flood must not fill the log. */
const warnEveryMs = 60_000

interface Connection {
  readonly socket: Socket
  readonly address: string
  /** Requests under way. */
  requests: number
}

/** Bounds the connections of `server`. A Unix socket has no addresses: there only the bound in all counts. */
export function boundConnections(server: Server, perAddress: number, log: FastifyBaseLogger): void {
  /** Those that were silent for longest come first. */
  const all = new Set<Connection>()
  const ofAddress = new Map<string, Set<Connection>>()
  const bySocket = new WeakMap<object, Connection>()
  let warnedAt = Number.NEGATIVE_INFINITY

  server.maxConnections = connectionsAtOnce + endedAtOnce

  server.on('connection', (socket: Socket) => {
    const connection = { socket, address: callerAddress(socket.remoteAddress), requests: 0 }
    const beside = ofAddress.get(connection.address) ?? new Set()
    const isCrowded = connection.address !== '' && beside.size >= perAddress
    if ((isCrowded && !makeRoom(beside)) || (all.size >= connectionsAtOnce && !makeRoom(mostOf(), all))) {
      warn(connection.address)
      socket.destroy()
      return
    }
    all.add(connection)
    ofAddress.set(connection.address, beside.add(connection))
    bySocket.set(socket, connection)
    socket.once('close', () => forget(connection))
  })

  server.on('request', (request: { readonly socket: Socket }, response: NodeJS.EventEmitter) => {
    const connection = bySocket.get(request.socket)
    if (!connection) return
    connection.requests++
    response.once('close', () => {
      connection.requests--
      // It begins to be silent now.
      const beside = ofAddress.get(connection.address)
      if (all.delete(connection)) all.add(connection)
      if (beside?.delete(connection)) beside.add(connection)
    })
  })

  /** Ends the first silent connection of the first set that has one. */
  function makeRoom(...among: Iterable<Connection>[]): boolean {
    for (const connections of among) {
      for (const connection of connections) {
        if (connection.requests > 0) continue
        connection.socket.destroy()
        forget(connection)
        return true
      }
    }
    return false
  }

  function forget(connection: Connection): void {
    all.delete(connection)
    const beside = ofAddress.get(connection.address)
    if (beside?.delete(connection) && beside.size === 0) ofAddress.delete(connection.address)
  }

  function mostOf(): Set<Connection> {
    return [...ofAddress.values()].reduce((most, each) => (each.size > most.size ? each : most), new Set())
  }

  function warn(address: string): void {
    if (performance.now() - warnedAt < warnEveryMs) return
    warnedAt = performance.now()
    const advice = 'where the address is that of a proxy, raise CONNECTIONS_PER_ADDRESS'
    log.warn({ address, perAddress, atOnce: connectionsAtOnce }, `a connection too many was ended: ${advice}`)
  }
}

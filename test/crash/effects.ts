// Numbers every request that a service makes to the engine and to the store, both by one counter, and kills the service at one.
// What crosses a socket cannot go uncounted: that is why this stands outside of the service.

import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import { forward, forwardUpgrade, passOn, type Target } from '../referee/forward.ts'

/** `before`: it never happens · `after`: it happens, and nobody hears of it · `between`: its answer is heard, and nothing more */
export const positions = ['before', 'after', 'between'] as const
export type Position = (typeof positions)[number]

export interface CrashPoint {
  /** Its number, from 1. */
  readonly effect: number
  readonly position: Position
}

export class Effects {
  /** What was asked for since the last reset, in order, such as `engine POST /containers/*`. */
  readonly names: string[] = []
  #point: CrashPoint | undefined
  #kill: () => void = () => {}
  #met = false
  #dead = false

  /** From now on the count begins anew, and `kill` is called at `point`. */
  arm(kill: () => void, point?: CrashPoint): void {
    this.names.length = 0
    this.#point = point
    this.#kill = kill
    this.#met = false
    this.#dead = false
  }

  /** The point is given up: what comes now, such as the calls of a check, kills nobody. */
  disarm(): void {
    this.#point = undefined
  }

  /** Whether the point was reached since it was armed: the kill is on its way, or has been. */
  get met(): boolean {
    return this.#met
  }

  meet(): void {
    this.#met = true
  }

  /** Whether the service was killed since. */
  get struck(): boolean {
    return this.#dead
  }

  arrive(name: string): Position | undefined {
    this.names.push(name)
    return this.#point?.effect === this.names.length ? this.#point.position : undefined
  }

  strike(): void {
    this.#dead = true
    this.#kill()
  }
}

export interface CountedProxy {
  close(): Promise<void>
}

/** A proxy before a server whose requests are effects. `side` begins their names. */
export async function openCountedProxy(
  side: 'engine' | 'store',
  target: Target,
  listen: { readonly path: string } | { readonly host: string; readonly port: number },
  effects: Effects,
): Promise<CountedProxy & { readonly port: number }> {
  const upgraded = new Set<Duplex>()
  const take: RequestListener = (incoming, outgoing) => {
    // What a killed process had on its way does not arrive.
    if (effects.struck) return void outgoing.destroy()
    // Nor does what it still sends while the kill is on its way.
    if (effects.met) return
    if (ofCheck.test(incoming.url ?? '')) return forward(target, incoming, outgoing)
    const position = effects.arrive(nameOf(side, incoming))
    if (position !== undefined) effects.meet()
    if (position === undefined) return forward(target, incoming, outgoing)
    if (position === 'before') return effects.strike()
    forward(target, incoming, outgoing, (answer, out) => {
      if (position === 'after') answer.resume().once('close', () => effects.strike())
      else {
        out.once('finish', () => effects.strike())
        passOn(answer, out)
      }
    })
  }
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, take)
  server.on('upgrade', (incoming, socket, head) => {
    upgraded.add(socket)
    socket.on('close', () => upgraded.delete(socket))
    effects.arrive(nameOf(side, incoming))
    forwardUpgrade(target, incoming, socket, head)
  })
  await new Promise<void>((resolve) => server.listen(listen, resolve))
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

/** The check of a store, made at every start with objects of no worth: numbered, it would be most of all points. */
const ofCheck = /[/=]\.class-runtime(?:\/|%2F)|[?&]versioning/

/** Requests that change nothing. */
export const isReading = (name: string): boolean => / (GET|HEAD) /.test(name)

const nameOf = (side: string, { method, url = '' }: IncomingMessage): string => {
  const path = url.replace(/\?.*/, '').replace(/^\/v[\d.]+/, '')
  const plain = path.replace(/[0-9a-f]{64}|class-[^/]*|\d{8}t\d{9}z-[0-9a-f]{4}|crash-[^/]*/g, '*')
  return `${side} ${method} ${plain}`
}

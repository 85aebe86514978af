// A connection that stops being HTTP: both sides then send bytes of their own, and each ends its half on its own.
// What the engine sent before a connection broke is still given, since a process that ends without reading its
// input breaks the connection under our writing; a plain `for await` over the socket would lose that output.

import type { Duplex } from 'node:stream'
import { REFUSAL_TEXT_LIMIT } from './body-text.ts'
import type { UpgradedConnection } from './call.ts'
import type { Headers, Running } from './library.ts'
import type { Refusal } from './refusal.ts'

/** An upgraded connection as its owner sees it. */
export interface OpenConnection extends UpgradedConnection {
  onClose(listener: () => void): void
}

/** What the engine answered: the connection, or why not. */
export type UpgradeAnswer = { readonly connection: OpenConnection } | { readonly refusal: Refusal }

export interface UpgradeRequest {
  /** What the HTTP library calls. The answer's header values are not looked at: Podman 4 swaps them. */
  readonly handler: {
    onRequestStart(running: Running): void
    onRequestUpgrade(running: Running, status: number, headers: Headers, socket: Duplex): void
    onResponseStart(running: Running, status: number, headers: Headers): void
    onResponseData(running: Running, bytes: Buffer): void
    onResponseEnd(): void
    onResponseError(running: Running, error: Error): void
  }
  /** Rejects with what the HTTP library gave. */
  readonly answer: Promise<UpgradeAnswer>
  /** Gives the request up, in whatever state it is, also where its connection comes only later. */
  abandon(reason: Error): void
}

/** A process that is read slower than it writes is slowed down above so many bytes. */
const UNREAD_LIMIT = 64 * 1024

/**
 * `explain` turns what broke the connection into the error for callers. `signal` breaks a connection that was made;
 * until then the caller of this has to `abandon` the request.
 */
export function upgradeRequest(explain: (cause: unknown) => Error, signal: AbortSignal | undefined): UpgradeRequest {
  let running: Running | undefined
  let abandoned: Error | undefined
  let refusal: Refusal | undefined
  const text: Buffer[] = []
  let textLength = 0
  let settle: { resolve(answer: UpgradeAnswer): void; reject(error: unknown): void } | undefined
  const answer = new Promise<UpgradeAnswer>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const refuse = (): void => {
    if (refusal !== undefined) settle?.resolve({ refusal: { ...refusal, text: Buffer.concat(text).toString() } })
  }

  return {
    answer,
    abandon(reason) {
      abandoned = reason
      running?.abort(reason)
      answer.then(
        (late) => {
          if ('connection' in late) late.connection.close()
        },
        () => undefined,
      )
    },
    handler: {
      onRequestStart(started) {
        running = started
        if (abandoned !== undefined) started.abort(abandoned)
      },
      onRequestUpgrade(_running, _status, _headers, socket) {
        settle?.resolve({ connection: connectionOver(socket, explain, signal) })
      },
      onResponseStart(started, status, { location }) {
        refusal = { status, location: typeof location === 'string' ? location : location?.[0], text: '' }
        // An engine that did not switch streams output that may never end: its status says enough.
        if (status < 300) cutOff(started)
      },
      onResponseData(started, bytes) {
        text.push(bytes.subarray(0, REFUSAL_TEXT_LIMIT - textLength))
        textLength += bytes.length
        if (textLength >= REFUSAL_TEXT_LIMIT) cutOff(started)
      },
      onResponseEnd: refuse,
      onResponseError(_running, error) {
        refuse()
        settle?.reject(error)
      },
    },
  }

  function cutOff(started: Running): void {
    refuse()
    started.abort(new Error('the rest of a refusal is not read'))
  }
}

function connectionOver(
  socket: Duplex,
  explain: (cause: unknown) => Error,
  signal: AbortSignal | undefined,
): OpenConnection {
  const unread: Buffer[] = []
  let unreadLength = 0
  let ended = false
  let failure: unknown
  let wake = (): void => undefined

  const abort = (): void => {
    failure ??= signal?.reason
    socket.destroy()
  }
  signal?.addEventListener('abort', abort)
  if (signal?.aborted === true) abort()

  socket.on('data', (bytes: Buffer) => {
    unread.push(bytes)
    unreadLength += bytes.length
    if (unreadLength > UNREAD_LIMIT) socket.pause()
    wake()
  })
  socket.on('end', () => {
    ended = true
    wake()
  })
  socket.on('error', (error) => {
    failure ??= error
    wake()
  })
  socket.on('close', () => {
    failure ??= new Error('it was closed before its end')
    signal?.removeEventListener('abort', abort)
    wake()
  })

  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const bytes = unread.shift()
        if (bytes !== undefined) {
          unreadLength -= bytes.length
          yield bytes
          continue
        }
        if (ended) return
        if (failure !== undefined) throw explain(failure)
        socket.resume()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      socket.destroy()
    }
  }

  // A write that a close cut off is called back without an error.
  const settled = (act: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      act((error) => {
        const cause = failure ?? error
        if (cause) reject(explain(cause))
        else resolve()
      })
    })

  return {
    chunks: chunks(),
    write: (bytes) => settled((done) => socket.write(bytes, done)),
    end: () => settled((done) => socket.end(done)),
    close: () => {
      failure ??= Object.assign(new Error('the connection was closed'), { code: 'UND_ERR_CLOSED' })
      socket.destroy()
    },
    onClose: (listener) => {
      socket.once('close', listener)
    },
  }
}

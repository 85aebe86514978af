// A recorded conversation on an upgraded connection: the engine's bytes and the client's in the turns in which they came.
// It is as strict as the rest of a replay: what the client says must be what was recorded, and it may end its half only there.

import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Input } from './recording.ts'

/**
 * Writes `pieces`, the head of `headLength` bytes first, and listens where `input` says. Ends the connection when all
 * is said, or at the first thing that the client says otherwise: it then gives the difference.
 */
export async function converse(
  socket: Socket,
  pieces: readonly Buffer[],
  headLength: number,
  input: readonly Input[],
): Promise<string | undefined> {
  const client = new Client(socket)
  for (const step of inTurns(pieces, headLength, input)) {
    if (Buffer.isBuffer(step)) {
      // A turn of the event loop lets the client read in between, so that two pieces do not arrive as one.
      await turn()
      if (socket.destroyed) return undefined
      socket.write(step)
      continue
    }
    const said = await client.says(step)
    const recorded = { bytes: step.bytes, ended: step.ended }
    if (isDeepStrictEqual(said, recorded)) continue
    socket.destroy()
    return `input: sent ${JSON.stringify(said)}, recorded ${JSON.stringify(recorded)}`
  }
  socket.end()
  return client.unheard === '' ? undefined : `input: sent ${JSON.stringify(client.unheard)}, which was not recorded`
}

/** The engine's pieces, cut where it is the client's turn. */
function inTurns(pieces: readonly Buffer[], headLength: number, input: readonly Input[]): (Buffer | Input)[] {
  const steps: (Buffer | Input)[] = []
  let [next, ...later] = input
  let written = 0
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      const due = next === undefined ? rest.length : headLength + next.after - written
      if (next !== undefined && due === 0) {
        steps.push(next)
        ;[next, ...later] = later
        continue
      }
      const part = rest.subarray(0, due)
      steps.push(part)
      written += part.length
      rest = rest.subarray(part.length)
    }
  }
  return next === undefined ? steps : [...steps, next, ...later]
}

class Client {
  #unheard = ''
  #ended = false
  #wake = (): void => undefined

  constructor(socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.#unheard += bytes.toString('latin1')
      this.#wake()
    })
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
    }
  }

  /** One character a byte. */
  get unheard(): string {
    return this.#unheard
  }

  /** Waits until the client has said as much as was recorded, or more, or has ended. */
  async says(recorded: Input): Promise<Pick<Input, 'bytes' | 'ended'>> {
    const { length } = recorded.bytes
    const isDue = (): boolean => this.#unheard.length < length || (recorded.ended && this.#unheard.length === length)
    while (isDue() && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const bytes = this.#unheard.slice(0, recorded.ended ? undefined : length)
    this.#unheard = this.#unheard.slice(bytes.length)
    return { bytes, ended: this.#ended && (recorded.ended || bytes.length < length) }
  }
}

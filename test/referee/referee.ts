// A proxy before an engine's socket that lets no removal pass which could lose a student's work, and no archive call that the
// engine's known faults could make use of. It believes nobody: it shares
// no code with what it watches, and before each removal it reads the store itself.
// A removal that breaks a rule is refused, not only told, so that what would have been lost can be looked at.

import { appendFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { archiveCallOf, headBytes } from './archives.ts'
import { forward, forwardUpgrade, passOn } from './forward.ts'
import { createRules, type Violation } from './rules.ts'
import { openStoreView } from './store.ts'

export interface RefereeOptions {
  readonly engineSocket: string
  readonly listenSocket: string
  /** A folder, or `http://ACCESS:SECRET@host:port/bucket`. */
  readonly store: string
  /** See truth.ts; it may be absent, and is read anew at each removal. */
  readonly truthFile: string
  /** Every violation is added to it as a line of JSON: {at, request, rule, detail}. */
  readonly violationsFile: string
}

export interface RecordedViolation extends Violation {
  readonly at: string
  /** Method and URL. */
  readonly request: string
}

export interface Referee {
  readonly violations: readonly RecordedViolation[]
  /** How many removals were judged. */
  readonly removals: number
  close(): Promise<void>
}

/** Resolves when it listens. */
export async function startReferee(options: RefereeOptions): Promise<Referee> {
  const target = { socketPath: options.engineSocket }
  const rules = createRules(options.engineSocket, openStoreView(options.store), options.truthFile)
  const violations: RecordedViolation[] = []
  const upgraded = new Set<Duplex>()
  let removals = 0

  /** True for a request that may pass; any other has its answer. */
  async function mayPass(method: string, url: string, outgoing: ServerResponse, head?: Buffer): Promise<boolean> {
    if (method === 'DELETE') removals += 1
    const violation = await rules.judge(method, url, head)
    if (violation === undefined) return true
    const recorded = { at: new Date().toISOString(), request: `${method} ${url}`, ...violation }
    violations.push(recorded)
    appendFileSync(options.violationsFile, `${JSON.stringify(recorded)}\n`)
    outgoing.writeHead(599, { 'content-type': 'application/json' })
    outgoing.end(JSON.stringify({ message: `the referee refuses: ${violation.rule}: ${violation.detail}` }))
    return false
  }

  async function take(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming
    const isArchive = archiveCallOf(url) !== undefined
    const head = isArchive && method === 'PUT' ? await headOf(incoming) : undefined
    if (!(await mayPass(method, url, outgoing, head))) return void incoming.resume()
    if (isArchive) outgoing.once('close', rules.archiving(url))
    const isStart = method === 'POST' && /\/containers\/[^/?]+\/start(\?|$)/.test(url)
    forward(target, incoming, outgoing, (answer) => {
      if (!isStart || answer.statusCode !== 204) return passOn(answer, outgoing)
      rules.started(url).then(
        () => passOn(answer, outgoing),
        () => outgoing.destroy(),
      )
    })
  }

  // No time limit and no closing of idle connections: the engine has none either.
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (incoming, outgoing) => {
    take(incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.on('upgrade', (incoming, socket, head) => {
    upgraded.add(socket)
    socket.on('close', () => upgraded.delete(socket))
    forwardUpgrade(target, incoming, socket, head)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.listenSocket, resolve)
  })

  return {
    violations,
    get removals() {
      return removals
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

/** The first bytes of a body, which stay in it; a body that is shorter is read to its end, and is refused. */
async function headOf(incoming: IncomingMessage): Promise<Buffer> {
  let head = Buffer.alloc(0)
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    head = Buffer.concat([head, chunk])
    if (head.length < headBytes) continue
    incoming.unshift(head)
    break
  }
  return head
}

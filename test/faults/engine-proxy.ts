// A proxy before an engine's socket that fails as engines do, at the request that it is told.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { copyHead, type Deliver, forward, forwardUpgrade, type Target, wholeBody } from '../referee/forward.ts'
import { damageTar, type TarFault, tarFaults } from './damaged-tar.ts'
import { type Strike, StrikePlan } from './strike.ts'

/**
 * - `hang`: no answer, ever; the engine does not hear of the request
 * - `reset`: the connection is broken; the engine does not hear of the request
 * - `error-500`: refused; the engine does not hear of the request
 * - `answer-lost`: the engine does as it is told, and then the connection is broken
 * - `broken-off`: the connection is broken in the middle of the answer
 * - the rest: the answer is an archive, and arrives damaged, with a 200 and a clean end
 */
export type EngineFault = 'hang' | 'reset' | 'error-500' | 'answer-lost' | 'broken-off' | TarFault

export interface EngineProxy {
  /** `unix://...` */
  readonly host: string
  readonly plan: StrikePlan<EngineFault>
  close(): Promise<void>
}

export type EngineStrike = Strike<EngineFault>

export async function openEngineProxy(target: Target, listenSocket: string): Promise<EngineProxy> {
  const plan = new StrikePlan<EngineFault>()
  const upgraded = new Set<Duplex>()
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (incoming, outgoing) => {
    const fault = plan.take(incoming.method ?? '', incoming.url ?? '')
    if (fault === undefined) forward(target, incoming, outgoing)
    else strikeDown(fault, incoming, outgoing)
  })

  function strikeDown(fault: EngineFault, incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (fault === 'hang') incoming.resume()
    else if (fault === 'reset') incoming.socket.destroy()
    else if (fault === 'error-500') {
      incoming.resume()
      outgoing.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"a fault of the test"}\n')
    } else forward(target, incoming, outgoing, deliverWith(fault))
  }

  server.on('upgrade', (incoming, socket, head) => {
    upgraded.add(socket)
    socket.on('close', () => upgraded.delete(socket))
    const fault = plan.take(incoming.method ?? '', incoming.url ?? '')
    if (fault === undefined) forwardUpgrade(target, incoming, socket, head)
    else if (fault === 'error-500') socket.end('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n')
    else if (fault !== 'hang') socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(listenSocket, resolve))
  return {
    host: `unix://${listenSocket}`,
    plan,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

function deliverWith(fault: Exclude<EngineFault, 'hang' | 'reset' | 'error-500'>): Deliver {
  return (answer, outgoing) => {
    wholeBody(answer).then(
      (body) => {
        if (fault === 'answer-lost') return outgoing.destroy()
        copyHead(answer, outgoing, { 'content-length': undefined })
        if (isTarFault(fault)) return outgoing.end(damageTar(body, fault))
        return outgoing.write(body.subarray(0, Math.ceil(body.length / 2)), () => outgoing.destroy())
      },
      () => outgoing.destroy(),
    )
  }
}

const isTarFault = (fault: EngineFault): fault is TarFault => tarFaults.some((each) => each === fault)

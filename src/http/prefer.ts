// RFC 7240: how long a caller wants to wait for a long operation. Proxies cut long calls, so the default is 20 s.

import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Operation } from '../operations/operations.ts'

const defaultWaitSeconds = 20
const longestWaitSeconds = 3600

/** Answers 200 with the result, or with the problem, if the operation ends within the wait; else 202 and where to look. */
export async function answerWhenDone(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: Operation,
): Promise<object> {
  const { seconds, applied } = readPrefer(request.headers['prefer'])
  if (applied !== undefined) reply.header('preference-applied', applied)
  await endedWithin(operation, seconds, reply.raw)
  if (!operation.running) return operation.outcome()
  reply.code(202).header('location', `/room/operations/${operation.id}`).header('retry-after', '1')
  return operation.view()
}

/** Ends as soon as nobody waits for the answer any more, too: the operation itself goes on. */
async function endedWithin(operation: Operation, seconds: number, response: Writable): Promise<void> {
  const timer = new AbortController()
  const timeout = delay(seconds * 1000, undefined, { signal: timer.signal }).catch(() => undefined)
  const leave = () => timer.abort()
  response.once('close', leave)
  if (response.destroyed) leave()
  await Promise.race([operation.ended, timeout])
  response.off('close', leave)
  timer.abort()
}

/** `respond-async` alone waits for nothing, with `wait` as long as that says; what is not understood is passed over, as the RFC asks. */
export function readPrefer(header: string | string[] | undefined): { seconds: number; applied?: string } {
  const preferences = [header ?? []]
    .flat()
    .join(',')
    .toLowerCase()
    .split(',')
    .map((each) => each.split(';')[0]?.trim() ?? '')
  const isAsync = preferences.includes('respond-async')
  const wait = preferences
    .map((each) => /^wait\s*=\s*"?(\d{1,6})"?$/.exec(each)?.[1])
    .find((value) => value !== undefined)
  if (wait === undefined) return isAsync ? { seconds: 0, applied: 'respond-async' } : { seconds: defaultWaitSeconds }
  const seconds = Math.min(Number(wait), longestWaitSeconds)
  return { seconds, applied: `${isAsync ? 'respond-async, ' : ''}wait=${seconds}` }
}

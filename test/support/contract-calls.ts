// A good request for every call that the document has, so that a test can ask them all.

import assert from 'node:assert/strict'
import type { LightMyRequestResponse } from 'fastify'
import { calls } from '../../src/http/calls/index.ts'
import type { Document } from './contract.ts'
import { classId, students } from './memory-class.ts'
import type { MemoryService } from './memory-service.ts'

export interface Call {
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** As the document has it. */
  readonly path: string
  /** The codes that the document lists. */
  readonly codes: readonly string[]
}

export interface Request {
  readonly params?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  /** With its question mark. */
  readonly query?: string
}

export const key = 'data/workspace/notes.txt'

/** The call's own example, for a class that is not up; of a past session only where `sessionId` is one. */
export function goodRequest(name: string, sessionId = '20260102t030405678z-00ff', operationId = 'none'): Request {
  const body = calls.find((call) => call.name === name)?.example
  if (body !== undefined) return { body: Object(body) }
  return {
    params: {
      ...{ classId, sessionId, studentId: students[0], collectionId: 'final', key, operationId },
      ...{ asset: 'start.js', routesId: 'none' },
    },
  }
}

export function callsOf(document: Document): Call[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses }]) => ({
      name: operationId,
      method: method === 'post' ? 'POST' : 'GET',
      path,
      codes: [...JSON.stringify(responses).matchAll(/schemas\/problem-([a-z-]+)"\}/g)].map(([, code = '']) => code),
    })),
  )
}

/** The URL of the call; the key of a file keeps its slashes. */
export const urlOf = ({ path }: Pick<Call, 'path'>, params: Request['params'] = {}): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name] ?? assert.fail(`${path}: no ${name}`)
    return name === 'key' ? encodeURI(value) : encodeURIComponent(value)
  })

export function send(
  { post, get }: MemoryService,
  call: Call,
  { params, headers, body, query = '' }: Request,
): Promise<LightMyRequestResponse> {
  const url = urlOf(call, params) + query
  return call.method === 'POST' ? post(url, body ?? {}, headers) : get(url, headers)
}

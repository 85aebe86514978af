// A student's file as an answer: data that no browser shows, guesses about or keeps. A download that broke off goes on where
// it was (RFC 9110, section 14): one range at a time, since nobody asks for more of a file than its rest.

import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../problems.ts'
import type { ByteRange, Store, StoredObject } from '../store/port.ts'

/** Also for a redirect, whose URL is as good as the file. */
export const fileHeaders = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const

export async function sendFile(
  { method, headers }: FastifyRequest,
  reply: FastifyReply,
  store: Store,
  { key, size }: StoredObject,
): Promise<FastifyReply> {
  // A file of a committed bag never changes, but it has no tag by which a caller could know.
  const isPart = method === 'GET' && headers['if-range'] === undefined
  const range = isPart ? readRange(headers.range, size) : undefined
  if (range === 'none') {
    reply.header('content-range', `bytes */${size}`)
    throw new Problem(
      'range-not-satisfiable',
      `The file has ${size} bytes. Ask for a range of these, or for the whole.`,
    )
  }
  const bytes = method === 'HEAD' ? [] : await store.read(key, undefined, range)
  reply.type('application/octet-stream').headers(fileHeaders)
  reply.header('content-disposition', 'attachment').header('accept-ranges', 'bytes')
  if (range) reply.code(206).header('content-range', `bytes ${range.first}-${range.last}/${size}`)
  return reply.header('content-length', range ? range.last - range.first + 1 : size).send(Readable.from(bytes))
}

/** Undefined: the whole, also where the header is none that can be read or asks for several ranges. `none`: no byte is in it. */
export function readRange(header: string | undefined, size: number): ByteRange | 'none' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? '') ?? []
  if (from === '' && to === '') return undefined
  if (from === '') {
    const length = Math.min(Number(to), size)
    return length === 0 ? 'none' : { first: size - length, last: size - 1 }
  }
  const [first, last] = [Number(from), to === '' ? size - 1 : Math.min(Number(to), size - 1)]
  if (to !== '' && Number(to) < first) return undefined
  return first >= size ? 'none' : { first, last }
}

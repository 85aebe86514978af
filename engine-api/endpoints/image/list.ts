// GET /images/json: the images that fit all filters.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { Filters } from '../../transport/request-path.ts'

const ImageSummarySchema = Type.Object({
  Id: Type.String(),
  RepoTags: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  RepoDigests: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  /** Bytes. */
  Size: Type.Number(),
})

export type ImageSummary = Static<typeof ImageSummarySchema>

export const imageList = defineEndpoint({
  name: 'image-list',
  method: 'GET',
  path: '/images/json',
  query: ['filters'],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(Type.Array(ImageSummarySchema)),
})

export interface ImageListOptions extends CallOptions {
  readonly filters?: Filters
}

export function listImages(transport: Transport, options: ImageListOptions = {}): Promise<ImageSummary[]> {
  const { filters, signal } = options
  return transport.json(imageList, { path: {}, query: { filters }, signal })
}

// GET /images/{name}/json: one image. The name may hold slashes and a tag; it is sent as one encoded segment.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const ImageSchema = Type.Object({
  /** Digest of the image's configuration, `sha256:...`. */
  Id: Type.String(),
  RepoTags: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  /** Digests under which registries know it; empty for an image made here. */
  RepoDigests: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  /** Bytes. */
  Size: Type.Number(),
  Config: Type.Optional(
    Type.Union([
      Type.Object({
        /** Paths at which each container gets a volume, as keys of empty objects. */
        Volumes: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])),
      }),
      Type.Null(),
    ]),
  ),
  Architecture: Type.Optional(Type.String()),
  Os: Type.Optional(Type.String()),
})

export type Image = Static<typeof ImageSchema>

export const imageInspect = defineEndpoint({
  name: 'image-inspect',
  method: 'GET',
  path: '/images/{name}/json',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(ImageSchema),
})

/** The image of this name or id. An absent one is EngineError `not-found`. */
export function inspectImage(transport: Transport, name: string, options: CallOptions = {}): Promise<Image> {
  return transport.json(imageInspect, { path: { name }, ...options })
}

// POST /images/create?fromSrc=-: makes an image of one layer from a tar of its root file system.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { readRecords } from '../../streams/ndjson.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

/** The last record of the stream. */
const importedSchema = TypeCompiler.Compile(
  Type.Object({ status: Type.String({ pattern: '^(sha256:)?[0-9a-f]{64}$' }) }),
)

export const imageImport = defineEndpoint({
  name: 'image-import',
  method: 'POST',
  path: '/images/create',
  query: ['fromSrc', 'repo', 'tag'],
  statuses: { 200: 'imported' },
  timeout: 'unbounded',
  retry: 'same',
  differences: [
    {
      engines: 'Podman 4',
      does: 'ignores the tag (always `latest`) and puts docker.io/ before the name',
      client: 'gives the id, by which the image can be tagged',
    },
  ],
})

/** Makes the image `repository:tag` from `tar` (see packTar) and gives its id. */
export async function importImage(
  transport: Transport,
  image: { readonly repository: string; readonly tag: string },
  tar: AsyncIterable<Uint8Array>,
  options: CallOptions = {},
): Promise<string> {
  const query = { fromSrc: '-', repo: image.repository, tag: image.tag }
  const answer = await transport.stream(imageImport, { path: {}, query, body: { tar }, ...options })
  let id: string | undefined
  for await (const record of readRecords(imageImport.name, answer.chunks)) {
    if (importedSchema.Check(record)) id = record.status
  }
  if (id !== undefined) return id
  throw new EngineError('the engine ended the import without naming the image', {
    code: 'protocol',
    endpoint: imageImport.name,
    retry: 'same',
  })
}

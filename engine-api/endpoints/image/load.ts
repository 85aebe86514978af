// POST /images/load: takes over images from an archive as `docker save` writes it.
// The 200 comes before the work; a failure is a record inside the stream, and success only a line for people.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { readRecords } from '../../streams/ndjson.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const lineSchema = TypeCompiler.Compile(Type.Object({ stream: Type.String() }))

export const imageLoad = defineEndpoint({
  name: 'image-load',
  method: 'POST',
  path: '/images/load',
  query: ['quiet'],
  statuses: { 200: 'loaded' },
  timeout: 'unbounded',
  retry: 'same',
  differences: [
    { engines: 'Podman 4', does: 'names all loaded images in one line, separated by commas', client: 'takes it apart' },
  ],
})

/** Loads the images in `tar` and gives their names, or the ids of those without a name. */
export async function loadImages(
  transport: Transport,
  tar: AsyncIterable<Uint8Array>,
  options: CallOptions = {},
): Promise<string[]> {
  const answer = await transport.stream(imageLoad, { path: {}, query: { quiet: true }, body: { tar }, ...options })
  let text = ''
  for await (const record of readRecords(imageLoad.name, answer.chunks)) {
    if (lineSchema.Check(record)) text += record.stream
  }
  const names = [...text.matchAll(/^Loaded image(?: ID)?: (.+)$/gm)].flatMap(([, list = '']) => list.split(','))
  if (names.length > 0) return names.map((name) => name.trim())
  throw new EngineError('the engine ended the load without naming an image', {
    code: 'protocol',
    endpoint: imageLoad.name,
    retry: 'same',
  })
}

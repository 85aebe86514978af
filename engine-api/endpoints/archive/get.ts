// GET /containers/{id}/archive: every entry below a path, as a checked tar stream.
// The engine holds the container's lock until the stream ends, so inspect, stop and remove of it wait; and a
// clean HTTP end proves nothing, since the engine cuts archives silently. Only the end of the iteration proves it.

import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { readTar, type TarEntry } from '../../tar/read.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const archiveGet = defineEndpoint({
  name: 'archive-get',
  method: 'GET',
  path: '/containers/{id}/archive',
  query: ['path'],
  statuses: { 200: 'found' },
  timeout: 'slow',
  retry: 'same',
  differences: [
    {
      engines: 'Podman 4 and 5',
      does: 'rounds times to whole seconds, which Docker cuts',
      client: 'gives them as they come',
    },
    {
      engines: 'Docker 20.10',
      does: 'answers a complete archive of nothing for a socket, and for a path that is not valid UTF-8',
      client: 'EngineError `archive-truncated`',
    },
    {
      engines: 'Docker with userns-remap',
      does: 'tells owners by the ids of its host, where an upload is taken by those of the container',
      client: 'gives them as they come',
    },
  ],
  notes: [
    'Names start with the base name of `path`; a path that is a symbolic link gives that one entry only.',
    'Files on tmpfs and sockets are never in it. Unreadable or vanished files are left out without a sign.',
  ],
})

/**
 * The entries at and below `path` (absolute), in the engine's order, beginning with the path itself.
 * The iteration ends normally only after a complete archive. It throws EngineError `archive-truncated` where anything is
 * missing, `archive-corrupt` where the format is broken, `not-found` where the path or the container is absent, and
 * `unreachable` where the connection broke inside it, which says nothing about the archive.
 * The call is sent at the first step of the iteration; leaving the loop early ends it and frees the container.
 */
export async function* getArchive(
  transport: Transport,
  id: string,
  path: string,
  options: CallOptions = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const answer = await transport.stream(archiveGet, { path: { id }, query: { path }, ...options })
  let isEmpty = true
  for await (const entry of readTar(answer.chunks)) {
    isEmpty = false
    yield entry
  }
  if (isEmpty) {
    throw new EngineError('the archive has no entry, not even for its own path', {
      code: 'archive-truncated',
      endpoint: archiveGet.name,
      retry: 'same',
    })
  }
}

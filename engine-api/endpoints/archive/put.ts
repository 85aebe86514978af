// PUT /containers/{id}/archive: unpacks a tar into a container, which need not have been started.
// An entry for the target directory itself (`./`) is skipped by the engine, its owner stays.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const archivePut = defineEndpoint({
  name: 'archive-put',
  method: 'PUT',
  path: '/containers/{id}/archive',
  query: ['path', 'noOverwriteDirNonDir'],
  statuses: { 200: 'unpacked' },
  timeout: 'slow',
  retry: 'same',
  differences: [
    {
      engines: 'Docker 20.10',
      does: 'refuses with 500, later engines with 400, what lies outside the writable mounts of a read-only root',
      client: 'EngineError `server-error` or `bad-request`',
    },
  ],
})

/** Unpacks `tar` (see packTar) into the existing directory `path`; a file never replaces a directory or the reverse. */
export async function putArchive(
  transport: Transport,
  id: string,
  path: string,
  tar: AsyncIterable<Uint8Array>,
  options: CallOptions = {},
): Promise<void> {
  await transport.send(archivePut, {
    path: { id },
    query: { path, noOverwriteDirNonDir: true },
    body: { tar },
    ...options,
  })
}

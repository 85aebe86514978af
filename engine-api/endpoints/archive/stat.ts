// HEAD /containers/{id}/archive: what a path in a container is, without reading it. A symbolic link is not followed.
// A 404 has no body, so it cannot tell an absent path from an absent container.

import { defineEndpoint } from '../../endpoint.ts'
import { decodePathStat, type PathStat } from '../../streams/path-stat.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const archiveStat = defineEndpoint({
  name: 'archive-stat',
  method: 'HEAD',
  path: '/containers/{id}/archive',
  query: ['path'],
  statuses: { 200: 'found' },
  timeout: 'slow',
  retry: 'same',
  differences: [
    {
      engines: 'Podman 4',
      does: 'follows a symbolic link without telling, and answers 404 where its target is absent',
      client: 'gives it as it comes: the archive itself tells links',
    },
  ],
})

/** What stands at `path` (absolute). Nothing there is EngineError `not-found`. */
export async function statArchive(
  transport: Transport,
  id: string,
  path: string,
  options: CallOptions = {},
): Promise<PathStat> {
  const { header } = await transport.take(archiveStat, { path: { id }, query: { path }, ...options })
  return decodePathStat(archiveStat.name, header('x-docker-container-path-stat'))
}

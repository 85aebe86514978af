// An image as an archive, for loading: hand-made, in the form of `docker save`. Its times are fixed, so its bytes are too.

import { createHash } from 'node:crypto'
import { packTar, type TarInput } from '../../engine-api/index.ts'

/** The image `reference`, of one layer with one file that holds `text`. */
export async function* savedImage(reference: string, text: string): AsyncGenerator<Uint8Array, void, undefined> {
  const parts: Uint8Array[] = []
  for await (const part of packTar([plainFile('one-file', text)])) parts.push(part)
  const layer = Buffer.concat(parts)
  const configuration = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
  }
  const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }]
  yield* packTar([
    plainFile('config.json', JSON.stringify(configuration)),
    plainFile('layer.tar', layer),
    plainFile('manifest.json', JSON.stringify(manifest)),
  ])
}

const plainFile = (name: string, body: string | Buffer): TarInput => ({
  name,
  type: 'file',
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  mtimeMs: 1_700_000_000_000,
  body: Buffer.from(body),
})

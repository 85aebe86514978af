// A plain script that verifies: each archive is read once while 16 PUTs with MD5 are under way, SHA-256 of each file; it is read again
// and compared, the prefix is listed, then the sandbox goes. Two students at once; no bag, no log, no mark.

import { createHash } from 'node:crypto'
import { bytesOf, engine, measured, pool, readWorkspace, request, store } from './own.mjs'

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

await measured(async () => {
  const readers = pool(2)
  for (const student of request.students) await readers.add(() => takeDown(student))
  await readers.drained()
  await engine.getNetwork(request.network).remove()
})

async function takeDown({ container: name, volume }) {
  const container = engine.getContainer(name)
  await container.stop({ t: 1 })
  const sums = new Map()
  const puts = pool(16)
  await readWorkspace(container, async (path, body) => {
    const bytes = await bytesOf(body)
    sums.set(path, sha256(bytes))
    await puts.add(() => store.putObject(request.bucket, `${name}/${path}`, bytes, bytes.length))
  })
  await puts.drained()
  await readWorkspace(container, async (path, body) => {
    if (sums.get(path) !== sha256(await bytesOf(body))) throw new Error(`${path} differs`)
  })
  const listed = new Set()
  for await (const { name: key } of store.listObjectsV2(request.bucket, `${name}/`, true)) listed.add(key)
  for (const path of sums.keys()) if (!listed.has(`${name}/${path}`)) throw new Error(`${path} is missing`)
  await container.remove({ v: true })
  await engine.getVolume(volume).remove()
}

// What the programs of this folder share: their request, the engine and the store, by the packages that people use for them.

import Docker from 'dockerode'
import { Client } from 'minio'
import { extract } from 'tar-stream'

export const request = JSON.parse(process.argv[2])
export const engine = new Docker({ socketPath: process.env.ENGINE.replace('unix://', '') })

const server = JSON.parse(process.env.S3)
const { hostname, port, protocol } = new URL(server.endpoint)
export const store = new Client({
  endPoint: hostname,
  port: Number(port),
  useSSL: protocol === 'https:',
  accessKey: server.accessKey,
  secretKey: server.secretKey,
})

/** Runs `work` and prints how long it took. */
export async function measured(work) {
  const began = performance.now()
  await work()
  console.log(JSON.stringify({ ms: performance.now() - began }))
}

/** Calls `onFile(path, body)` for every file of the workspace, one after the other. */
export async function readWorkspace(container, onFile) {
  const archive = await container.getArchive({ path: '/home/student' })
  const entries = extract()
  archive.pipe(entries)
  for await (const entry of entries) {
    if (entry.header.type === 'file') await onFile(entry.header.name, entry)
    entry.resume()
  }
}

export async function bytesOf(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** At most `places` of the tasks at once. */
export function pool(places) {
  const running = new Set()
  return {
    async add(task) {
      while (running.size >= places) await Promise.race(running)
      const run = task().finally(() => running.delete(run))
      run.catch(() => {})
      running.add(run)
    },
    drained: () => Promise.all(running),
  }
}

// down-class against what people would use instead, and against the least that it can cost: the bytes read once and sent once.

import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { s3Server } from '../../test/support/live.ts'
import { canonicalQuery, encode, signedHeaders } from '../../test/support/s3-signature.ts'
import {
  type CleanUp,
  command,
  downOf,
  type FilesOfOneSize,
  openClassroom,
  plant,
  type RaisedClass,
  raise,
} from './classroom.ts'
import { type Contestant, compare, timed } from './measure.ts'
import { hasPeers, runPeer } from './peer.ts'
import { callEngine, exchange, pooled } from './plain-http.ts'

const rounds = 3

interface Work {
  readonly name: string
  readonly count: number
  readonly files: readonly FilesOfOneSize[]
}

const works: readonly Work[] = [
  {
    name: '8 students x (5 x 10 MB + 500 x 1.5 KB)',
    count: 8,
    files: [
      { count: 5, bytes: 10_000_000 },
      { count: 500, bytes: 1500 },
    ],
  },
  { name: '40 students x 200 x 1.5 KB', count: 40, files: [{ count: 200, bytes: 1500 }] },
]

export async function run(cleanUp: CleanUp): Promise<void> {
  for (const work of works) await onS3(cleanUp, work)
  for (const work of works) await intoFolder(cleanUp, work)
}

async function onS3(cleanUp: CleanUp, { name, count, files }: Work): Promise<void> {
  const { site, students, start } = await openClassroom(cleanUp, { store: 's3', count })
  const service = await start()
  const raised = async (): Promise<RaisedClass> => {
    const made = await raise(service, 'a', students)
    await plant(made, files)
    return made
  }
  const peer = (title: string, program: string): Contestant => ({
    name: title,
    async run() {
      const made = await raised()
      const sample = await runPeer(program, { ...made, bucket: site.id })
      // The service takes what is left of the session for lost, and ends it.
      await service.post('/room/down-class', { classId: 'a', allowPartial: true })
      return sample
    },
  })
  const peers = [
    peer('dockerode, one after the other, unverified', 'seed-down.mjs'),
    peer('a plain script that verifies', 'script-down.mjs'),
  ]
  await compare(`down on S3, ${name}`, rounds, [
    {
      name: 'floor: one archive each, and the PUTs of its bytes',
      async run() {
        const made = await raised()
        await stops(made)
        const ms = (await timed(() => archives(made))) + (await timed(() => puts(site.id, count, files)))
        await service.post('/room/down-class', { classId: 'a' })
        return { ms }
      },
    },
    {
      name: 'floor, and the stops and removals',
      async run() {
        const made = await raised()
        const ms = await timed(async () => {
          await stops(made)
          await archives(made)
          await puts(site.id, count, files)
          await removals(made)
        })
        await service.post('/room/down-class', { classId: 'a', allowPartial: true })
        return { ms }
      },
    },
    {
      name: 'all that a verified bag needs, each step by itself at its best',
      async run() {
        const made = await raised()
        const ms = await timed(async () => {
          await stops(made)
          await archives(made, ['sha256', 'md5'])
          await puts(site.id, count, files)
          await archives(made, ['sha256'])
          await listing(site.id)
          await removals(made)
        })
        await service.post('/room/down-class', { classId: 'a', allowPartial: true })
        return { ms }
      },
    },
    { name: 'class-runtime, verified', run: async () => downOf(service, await raised()) },
    ...(hasPeers() ? peers : []),
  ])
  await service.stop()
}

async function intoFolder(cleanUp: CleanUp, { name, count, files }: Work): Promise<void> {
  const { site, students, start } = await openClassroom(cleanUp, { store: 'directory', count })
  const service = await start()
  const [source, target] = [join(site.folder, 'source'), join(site.folder, 'target')]
  for (let student = 0; student < count; student++) {
    await mkdir(join(source, `${student}`), { recursive: true })
    for (const { count: many, bytes } of files) {
      for (let index = 0; index < many; index++)
        await writeFile(join(source, `${student}`, `${bytes}-${index}`), randomBytes(bytes))
    }
  }
  const raised = async (): Promise<RaisedClass> => {
    const made = await raise(service, 'a', students)
    await plant(made, files)
    return made
  }
  await compare(`down into a folder, ${name}`, rounds, [
    {
      name: 'floor: one archive each, and a copy of the same tree with one sync',
      async run() {
        const made = await raised()
        await stops(made)
        const ms =
          (await timed(() => archives(made))) +
          (await timed(async () => {
            await command('cp', '-r', source, target)
            await command('sync', '-f', target)
          }))
        await rm(target, { recursive: true })
        await service.post('/room/down-class', { classId: 'a' })
        return { ms }
      },
    },
    { name: 'class-runtime, verified', run: async () => downOf(service, await raised()) },
  ])
  await service.stop()
}

const stops = ({ students }: RaisedClass): Promise<void> =>
  pooled(students.length, students, ({ container }) => callEngine('POST', `/containers/${container}/stop?t=1`))

async function removals({ students, network }: RaisedClass): Promise<void> {
  await pooled(4, students, async ({ container, volume }) => {
    await callEngine('DELETE', `/containers/${container}`)
    await callEngine('DELETE', `/volumes/${volume}`)
  })
  await callEngine('DELETE', `/networks/${network}`)
}

/** Every archive once, four at a time, to nowhere but these hashes. */
const archives = ({ students }: RaisedClass, algorithms: readonly string[] = []): Promise<void> =>
  pooled(4, students, async ({ container }) => {
    const hashes = algorithms.map((each) => createHash(each))
    await callEngine('GET', `/containers/${container}/archive?path=/home/student`, undefined, (bytes) => {
      for (const hash of hashes) hash.update(bytes)
    })
  })

const storeAgent = new Agent({ keepAlive: true, maxSockets: 16 })

/** What the puts have left, page by page. */
async function listing(bucket: string): Promise<void> {
  const server = s3Server()
  for (let after = ''; ; ) {
    const url = new URL(
      `${server.endpoint}/${bucket}?${canonicalQuery({ 'list-type': '2', prefix: 'floor/', 'start-after': after })}`,
    )
    const headers = signedHeaders(server, 'GET', url, 'UNSIGNED-PAYLOAD')
    const { hostname: host, port } = url
    const path = url.pathname + url.search
    const page = await exchange({ host, port, method: 'GET', path, headers, agent: storeAgent })
    const last = [...page.matchAll(/<Key>([^<]*)<\/Key>/g)].at(-1)?.[1]
    if (last === undefined || !page.includes('<IsTruncated>true<')) return
    after = last
  }
}

/** Objects of the same number and sizes, sixteen at once, each with its MD5. */
async function puts(bucket: string, students: number, files: Work['files']): Promise<void> {
  const server = s3Server()
  const bodies = files.flatMap(({ count, bytes }) => {
    const body = randomBytes(bytes)
    const md5 = createHash('md5').update(body).digest('base64')
    return Array.from({ length: count * students }, (_, index) => ({ key: `floor/${bytes}/${index}`, body, md5 }))
  })
  await pooled(16, bodies, async ({ key, body, md5 }) => {
    const url = new URL(`${server.endpoint}/${bucket}/${key.split('/').map(encode).join('/')}`)
    const headers = { ...signedHeaders(server, 'PUT', url, 'UNSIGNED-PAYLOAD'), 'content-md5': md5 }
    const { hostname: host, port, pathname: path } = url
    await exchange({ host, port, method: 'PUT', path, headers, agent: storeAgent }, body)
  })
}

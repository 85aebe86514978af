// A class of the real service for a benchmark: no referee stands between it and the engine. Whoever comes second in a benchmark gets a
// class of the same making, so that all work on the same containers and volumes.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { packTar, type TarInput } from '../../engine-api/index.ts'
import { catalogueOf, studentsOf } from '../../test/support/catalogue.ts'
import { docker } from '../../test/support/docker.ts'
import { upClass } from '../../test/support/faults.ts'
import { engineHost, type StoreKind } from '../../test/support/live.ts'
import { peakMemory } from '../../test/support/memory.ts'
import { type Installation, install, type Service } from '../../test/support/service.ts'
import { type Sample, timed } from './measure.ts'

export interface Classroom {
  readonly site: Installation
  readonly students: readonly string[]
  start(): Promise<Service>
}

export interface RaisedClass {
  readonly classId: string
  readonly network: string
  readonly students: readonly { readonly container: string; readonly volume: string }[]
}

export type CleanUp = Parameters<typeof install>[0]

export async function openClassroom(
  cleanUp: CleanUp,
  { store, count, lab = {} }: { readonly store: StoreKind; readonly count: number; readonly lab?: object },
): Promise<Classroom> {
  const students = studentsOf(count)
  const classes = Object.fromEntries(['a', 'b', 'c'].map((classId) => [classId, students]))
  const site = await install(cleanUp, {
    name: 'bench',
    store,
    subnets: '10.200.0.0/16',
    catalogue: catalogueOf(classes, { cpus: 1, memoryMb: 16, ...lab }),
    env: { CAPACITY_CPUS: '1000', CAPACITY_MEMORY_MB: '1000000' },
  })
  return { site, students, start: () => site.start({ env: { DOCKER_HOST: engineHost() } }) }
}

export async function raise(service: Service, classId: string, students: readonly string[]): Promise<RaisedClass> {
  const { sessionId } = await upClass(service, classId)
  const named = students.map((studentId) => {
    const container = `class-${classId}--${studentId}`
    return { container, volume: `${container}--${sessionId}` }
  })
  return { classId, network: `class-${classId}`, students: named }
}

export interface FilesOfOneSize {
  readonly count: number
  readonly bytes: number
}

/** The same files of random bytes in each workspace, put there as an archive: a sandbox's own processor is small. */
export async function plant({ students }: RaisedClass, files: readonly FilesOfOneSize[]): Promise<void> {
  const archive = await archiveOf(files)
  for (const { container } of students) await docker(['cp', '-', `${container}:/home/student`], archive)
  // A class has worked long before its end: what it wrote is on the disk by then.
  await command('sync')
}

async function archiveOf(files: readonly FilesOfOneSize[]): Promise<Buffer> {
  async function* entries(): AsyncGenerator<TarInput> {
    for (const { count, bytes } of files) {
      for (let index = 0; index < count; index++) {
        yield {
          name: `${bytes}-${index}`,
          type: 'file',
          mode: 0o644,
          uid: 20000,
          gid: 20000,
          mtimeMs: 0,
          body: randomBytes(bytes),
        }
      }
    }
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of packTar(entries())) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function downOf(service: Service, { classId }: RaisedClass): Promise<Sample> {
  const ms = await timed(async () => {
    const { status, body } = await service.post('/room/down-class', { classId })
    if (status !== 200) throw new Error(`down-class: ${status} ${JSON.stringify(body)}`)
  })
  return { ms, peakBytes: await peakMemory(service.pid) }
}

export async function command(program: string, ...args: readonly string[]): Promise<void> {
  const [exitCode] = await once(spawn(program, args, { stdio: 'inherit' }), 'close')
  if (exitCode !== 0) throw new Error(`${program} ended with ${exitCode}`)
}

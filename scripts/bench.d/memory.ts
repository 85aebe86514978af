// The most memory that the service takes for a down: of one large file, of many files, of many students.

import { shell } from '../../test/support/docker.ts'
import { peakMemory } from '../../test/support/memory.ts'
import { type CleanUp, openClassroom, plant, raise } from './classroom.ts'
import { print } from './measure.ts'

const mebibyte = 1024 ** 2
const large = { cpus: 1, memoryMb: 64, collect: { maxBytes: 12_000_000_000, maxFiles: 200_000 } }

interface Work {
  readonly name: string
  readonly count: number
  fill(container: string, plantAll: (count: number, bytes: number) => Promise<void>): Promise<unknown>
}

const oneFile = (bytes: number): Work['fill'] => {
  return (container) => shell(container, `truncate -s ${bytes} /home/student/file`)
}
const works: readonly Work[] = [
  { name: 'nothing: one empty workspace', count: 1, fill: async () => undefined },
  { name: 'one file of 10 MB', count: 1, fill: oneFile(10_000_000) },
  { name: 'one file of 1 GB', count: 1, fill: oneFile(1_000_000_000) },
  { name: 'one file of 10 GB', count: 1, fill: oneFile(10_000_000_000) },
  { name: '100 files of 1 KB', count: 1, fill: (_, plantAll) => plantAll(100, 1000) },
  { name: '100,000 files of 1 KB', count: 1, fill: (_, plantAll) => plantAll(100_000, 1000) },
  { name: '1 student, 500 files of 100 KB', count: 1, fill: (_, plantAll) => plantAll(500, 100_000) },
  { name: '16 students, 500 files of 100 KB each', count: 16, fill: (_, plantAll) => plantAll(500, 100_000) },
]

export async function run(cleanUp: CleanUp): Promise<void> {
  print('\npeak memory of a service that takes one class down (S3 store), and before it')
  for (const { name, count, fill } of works) {
    const room = await openClassroom(cleanUp, { store: 's3', count, lab: large })
    const service = await room.start()
    const made = await raise(service, 'a', room.students)
    await fill(made.students[0]?.container ?? '', (files, bytes) => plant(made, [{ count: files, bytes }]))
    const before = await peakMemory(service.pid)
    const { status } = await service.post('/room/down-class', { classId: 'a' })
    const peak = await peakMemory(service.pid)
    print(
      `  ${name.padEnd(40)} ${shown(peak)}  (before the down ${shown(before)})${status === 200 ? '' : `  ${status}`}`,
    )
    await service.stop()
  }
}

const shown = (bytes: number): string => `${(bytes / mebibyte).toFixed(0).padStart(4)} MiB`

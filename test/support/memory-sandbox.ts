// One stopped sandbox for unit tests, and its collection into a directory store.

import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseFrozenCollect } from '../../src/catalogue/frozen-lab.ts'
import type { CollectionTarget } from '../../src/collection/bag-work.ts'
import { collect } from '../../src/collection/collect.ts'
import { CollectError, type CollectErrorCode } from '../../src/collection/errors.ts'
import type { Store } from '../../src/store/port.ts'
import { directory, file, hardLink, type Thing } from './memory-archive.ts'
import { type MemoryClass, openClass } from './memory-class.ts'

export interface Sandbox {
  readonly ofClass: MemoryClass
  /** Where the student's bags lie. */
  readonly folder: string
  collect(change?: Partial<CollectionTarget>, signal?: AbortSignal, through?: Store): ReturnType<typeof collect>
  /** As reported while collecting. */
  readonly progress: { expected: string[]; files: number; bytes: number }
}

/** One student's sandbox with these files in it, up and then stopped. */
export async function stoppedSandbox(t: TestContext, things: readonly Thing[], lab: object = {}): Promise<Sandbox> {
  const ofClass = await openClass(t, lab)
  const { runtime, store } = ofClass
  const { sessionId } = await ofClass.up({ students: ['SV001'] })
  runtime.write('SV001', ...things)
  const [session] = await runtime.survey()
  const frozen = parseFrozenCollect(session?.sandboxes[0]?.collect ?? '')
  assert.ok(session && frozen)
  const container = await runtime.seal(runtime.container('SV001').id)
  const progress: Sandbox['progress'] = { expected: [], files: 0, bytes: 0 }
  const target = {
    session,
    studentId: 'SV001',
    kind: 'final' as const,
    container,
    collect: frozen,
    unarchived: [],
    logsLost: false,
    notes: ['a note'],
  }
  return {
    ofClass,
    folder: ofClass.studentFolder(sessionId, 'SV001'),
    progress,
    collect: (change = {}, signal = new AbortController().signal, through = store) =>
      collect(
        runtime,
        through,
        { ...target, imageDigest: 'busybox@sha256:digest', actor: 't-lan', ...change },
        {
          onInventory: (files, bytes) => void progress.expected.push(`${files} files, ${bytes} bytes`),
          onStored(files, bytes) {
            progress.files += files
            progress.bytes += bytes
          },
        },
        signal,
      ),
  }
}

export const work = [
  directory('src'),
  file('src/main.c', 'int main;'),
  file('notes.txt', 'hello'),
  hardLink('copy.c', 'src/main.c'),
]
export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Rejects with that code, and no bag is committed. */
export async function refuses(sandbox: Sandbox, code: CollectErrorCode): Promise<CollectError> {
  let caught: unknown
  await sandbox.collect().catch((error: unknown) => {
    caught = error
  })
  assert.ok(caught instanceof CollectError, `it ended with ${caught}`)
  assert.equal(caught.code, code, caught.message)
  assert.equal(await exists(join(sandbox.folder, 'final/bagit.txt')), false, 'no bag is committed')
  return caught
}

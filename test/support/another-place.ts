// What a service finds that was started with another store, or connected to another engine, than a class was begun with.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { storeIdentityKey } from '../../src/names.ts'
import { createDirectoryStore } from '../../src/store/directory/store.ts'
import { classId, type MemoryClass } from './memory-class.ts'
import type { MemoryRuntime } from './memory-runtime.ts'

export async function anotherStore(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-other-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return createDirectoryStore(folder)
}

/** At the same path, as when a disk is not mounted. */
export async function becomeAnotherStore({ folder }: MemoryClass, sessionId: string): Promise<void> {
  await writeFile(join(folder, storeIdentityKey), JSON.stringify({ schemaVersion: 1, id: 'another' }))
  await rm(join(folder, classId, sessionId, 'session.json'))
}

/** One that holds nothing of this installation. Answers what makes it the first one again. */
export function becomeAnotherEngine(runtime: MemoryRuntime): () => void {
  const { engine } = runtime
  const parts = [runtime.networks, runtime.containers, runtime.volumes].map((part: Map<string, unknown>) => ({
    part,
    held: [...part],
  }))
  for (const { part } of parts) part.clear()
  runtime.engine = 'engine-2'
  return () => {
    runtime.engine = engine
    for (const { part, held } of parts) for (const [id, thing] of held) part.set(id, thing)
  }
}

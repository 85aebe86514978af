// A folder as the store, gone or full. Nothing that is not safe is removed; with the store back, the same call finishes, and what
// was safe already is not written again.

import assert from 'node:assert/strict'
import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { committedBags } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { folderArtifacts } from '../support/artifacts.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { containersOf, leftovers } from '../support/docker.ts'
import { bagSums, downClass, randomFiles, upClass, work } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'
import {
  assertNotReady,
  assertUntouched,
  assertUpRefused,
  failedDown,
  skipWithoutMounts,
  smallDisk,
  students,
} from '../support/store-faults.ts'

describe('a folder as the store', { skip: skipWithoutEngine, timeout: 240_000 }, () => {
  test('the folder is gone: a down touches nothing, an up is refused; with it back both work', async (context) => {
    const options = { name: 'folder', store: 'directory', subnets: '10.234.0.0/24' } as const
    const catalogue = catalogueOf({ here: students, next: students })
    const installation = await install(context, { ...options, catalogue })
    const service = await installation.start()
    await upClass(service, 'here')
    const files = await work('class-here--s01', randomFiles(5, 1000))

    const folder = join(installation.folder, 'artifacts')
    await rename(folder, `${folder}-away`)
    await writeFile(folder, 'no folder')
    await assertNotReady(service)
    await assertUntouched(installation, service, 'here')
    await assertUpRefused(installation, service, 'next')
    await assertUpRefused(installation, service, 'here')

    await rm(folder)
    await rename(`${folder}-away`, folder)
    const { state, students: down } = await downClass(service, 'here')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, down[0]?.bag ?? ''), files)
    await upClass(service, 'next')
    await downClass(service, 'next')
  })

  test('the disk fills up: kept, and no half bag is to be seen; with room it goes on where it was', {
    skip: skipWithoutMounts(),
  }, async (context) => {
    const { folder, grow } = await smallDisk(context, '1m')
    const artifacts = folderArtifacts(folder)
    const installation = await install(context, {
      name: 'disk',
      store: 'directory',
      subnets: '10.234.1.0/24',
      catalogue: catalogueOf({ disk: students }),
      env: { ARTIFACTS_DIR: folder, COLLECT_CONCURRENCY: '1' },
    })
    const service = await installation.start()
    const { sessionId } = await upClass(service, 'disk')
    const small = await work('class-disk--s01', randomFiles(5, 1000))
    const large = await work('class-disk--s02', randomFiles(20, 100_000))

    const kept = await failedDown(service, 'disk')
    assert.deepEqual(
      kept.map(({ state, error }) => [state, error?.code]),
      [
        ['collected', undefined],
        ['kept', 'store-unavailable'],
      ],
    )
    assert.match(kept[1]?.error?.detail ?? '', /no space|full/i)
    const first = `disk/${sessionId}/s02/final/`
    assert.deepEqual(await committedBags(openStoreView(artifacts.place), `disk/${sessionId}/`), [
      `disk/${sessionId}/s01/final/`,
    ])
    assert.equal((await containersOf(installation.label)).length, students.length)
    const safe = await inodes(folder, (await artifacts.list(`${first}data/`)).keys())
    assert.ok(safe.size > 0, 'some files fit before the disk was full')

    grow('32m')
    const { state, students: down } = await downClass(service, 'disk')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(artifacts, down[0]?.bag ?? ''), small)
    assert.deepEqual(await bagSums(artifacts, down[1]?.bag ?? ''), large)
    assert.deepEqual(await inodes(folder, safe.keys()), safe)
    assert.deepEqual(await leftovers(installation.label), [])
  })
})

/** A file that was written anew has another inode. */
async function inodes(folder: string, keys: Iterable<string>): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const key of keys) found.set(key, (await stat(join(folder, key))).ino)
  return found
}

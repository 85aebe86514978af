// scripts/verify-bag as a command: what it prints and how it ends. What it judges by is verify-bag.test.ts.

import assert from 'node:assert/strict'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openWorkedClass } from '../support/memory-class.ts'
import { verify } from '../support/verify-command.ts'

test('the command checks every bag of a class, by folder and by prefix, and says whose a receipt is', async (t) => {
  const { down, folder, sessionId } = await openWorkedClass(t)
  const { students } = await down()
  const session = join(folder, 'os101-a', sessionId)
  const receipt = students[1]?.manifestSha256 ?? ''
  const prefix = `os101-a/${sessionId}`
  const bagOf = (studentId: string) => `${prefix}/${studentId}/final/`

  const byPrefix = verify(['--receipt', receipt, 'os101-a'], { ARTIFACTS_DIR: folder })
  const valid = students.map((each) => `valid ${each.bag} 2 files, 19 bytes, manifest ${each.manifestSha256}`)
  const owner = `student SV002, class os101-a, session ${sessionId}, collection final`
  assert.deepEqual(
    [byPrefix.status, byPrefix.lines],
    [0, ['2 valid, 0 invalid, 0 uncommitted', `receipt ${receipt}: ${bagOf('SV002')} of ${owner}`, ...valid]],
  )

  await rm(join(session, 'SV001/final/bagit.txt'))
  await writeFile(join(session, 'SV002/final/data/workspace/SV002.txt'), 'work of SV00X')
  const byFolder = verify(['os101-a'], {}, folder)
  assert.equal(byFolder.status, 1)
  assert.deepEqual(byFolder.stdout.split('\n').slice(0, 2), [
    `uncommitted ${join(session, 'SV001/final/')}: it has no bagit.txt, so it is no bag`,
    `INVALID ${join(session, 'SV002/final/')}`,
  ])
  assert.match(
    byFolder.stdout,
    /^ {2}"data\/workspace\/SV002\.txt" has the SHA-256 .*\n0 valid, 1 invalid, 1 uncommitted$/m,
  )
  assert.deepEqual(await readdir(session), ['SV001', 'SV002', 'session.json'], 'nothing was written')
})

test('what cannot be checked is no success: no bag there, wrong words, a store that does not answer', async (t) => {
  const { folder } = await openWorkedClass(t)
  const store = { ARTIFACTS_DIR: folder }
  const none = verify(['os101-b'], store)
  assert.deepEqual([none.status, none.lines], [1, ['0 valid, 0 invalid, 0 uncommitted', 'no bag at or below os101-b/']])
  const wrong: readonly [readonly string[], Record<string, string>, RegExp][] = [
    [[], store, /nothing to verify is named[\s\S]*usage:/],
    [['--receipt', 'abc', 'os101-a'], store, /64 hex digits/],
    [['./absent'], store, /there is no folder/],
    [
      ['os101-a'],
      { MINIO_ENDPOINT: 'http://127.0.0.1:9', MINIO_ACCESS_KEY: 'a', MINIO_SECRET_KEY: 'b' },
      /127\.0\.0\.1:9/,
    ],
  ]
  for (const [args, env, reason] of wrong) {
    const { status, stderr } = verify(args, env)
    assert.equal(status, 2, stderr)
    assert.match(stderr, reason)
  }
})

test('--help prints how it is used and ends well; a word that it does not know ends it with 2', () => {
  for (const flag of ['--help', '-h']) {
    const { status, stdout, stderr } = verify([flag])
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /scripts\/verify-bag\b/)
  }
  const { status, stdout, stderr } = verify(['--no-such-flag'])
  assert.deepEqual([status, stdout], [2, ''])
  assert.notEqual(stderr, '')
})

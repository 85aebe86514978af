// scripts/demo where no engine can be had: it says so, and shows the job done on the recorded engine all the same.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const demo = resolve(import.meta.dirname, '../../scripts/demo')

/** A folder of commands that fail, so that nothing is installed and no private engine starts, whoever runs this. */
function withoutEngines(folder: string): string {
  for (const command of ['apt-get', 'unshare']) {
    const file = join(folder, command)
    writeFileSync(file, '#!/bin/sh\necho "not here" >&2\nexit 1\n')
    chmodSync(file, 0o755)
  }
  return `${folder}:${process.env['PATH']}`
}

for (const part of ['traefik', 'minio']) {
  test(`the demo with a part that is not there, ${part}, says what builds it, and does nothing`, () => {
    const { status, stdout, stderr } = spawnSync(demo, [`--${part}`], {
      encoding: 'utf8',
      env: { ...process.env, PARTS_DIR: join(tmpdir(), 'no-parts') },
    })
    assert.deepEqual([status, stdout], [1, ''])
    const words = `scripts/demo: ${part} is not here: scripts/parts ${part} builds it, where Go is there\n`
    assert.equal(stderr, words)
  })
}

test('the demo without an engine says so, and runs a class on the recorded one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { status, stdout, stderr } = spawnSync(demo, [], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: withoutEngines(folder),
      DOCKER_HOST: `unix://${folder}/absent.sock`,
    },
  })

  assert.equal(status, 0, stderr)
  assert.match(stderr, /none can be had here, so the class runs on a recorded one/)
  assert.match(stdout, /^engine: Docker\/20\.10\.\S+ \(linux\), as it answered on \d{4}-\d\d-\d\d/m)
  assert.match(stdout, /^POST \/room\/up-class .*: session \d{8}t\d{9}z-[0-9a-f]{4}$/m)
  assert.match(stdout, /^POST \/room\/down-class .*: state down$/m)
  // What SV001 wrote, with its size and the start of its SHA-256; one bag is shown whole, and the others have a line each.
  assert.match(stdout, /^ +essay\.txt +15 +[0-9a-f]{12}$/m)
  assert.equal(stdout.match(/^ +bagit\.txt /gm)?.length, 1)
  const told = stdout.slice(stdout.indexOf('down-class')).split('\n')
  const ofOthers = told.filter((line) => line.includes('SV002'))
  assert.equal(ofOthers.length, 1, ofOthers.join('\n'))
  for (const student of ['SV001', 'SV002']) {
    const line = `^  checked: ${student}: 2 files, \\d+ bytes, manifest [0-9a-f]{12}: sha256sum accepts the bag$`
    assert.match(stdout, new RegExp(line, 'm'))
  }
  assert.match(stdout, /done on a recorded engine, and everything it promised was checked$/m)
  const next = stdout.slice(stdout.indexOf('\nnext: ')).trim().split('\n')
  assert.ok(next.length <= 3, 'what to do next is said in three lines')
  assert.match(next.join(), /README\.md.*fixtures\/catalogue\.example\.json npm start/)
})

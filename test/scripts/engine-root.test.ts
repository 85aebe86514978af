// scripts/engine-root with a debootstrap that makes no system: what is half made is never where an engine would take it from.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'

const script = resolve(import.meta.dirname, '../../scripts/engine-root')

/** The file `refuses` makes it stop half-way. It is asked for `--variant --include SUITE ROOT MIRROR SCRIPT`. */
const fakes: Readonly<Record<string, string>> = {
  debootstrap: `echo "$3 like $6" >>"$PLACE/asked"; mkdir -p "$4/usr"; [ ! -e "$PLACE/refuses" ] || exit 1; touch "$4/usr/whole"`,
  id: 'echo 0',
  unshare: 'shift; exec "$@"',
  chroot: 'true',
}

function machine(t: TestContext) {
  const place = mkdtempSync(join(tmpdir(), 'engine-root-'))
  t.after(() => rmSync(place, { recursive: true }))
  mkdirSync(join(place, 'bin'))
  for (const [name, lines] of Object.entries(fakes)) {
    writeFileSync(join(place, 'bin', name), `#!/bin/sh\n${lines}\n`)
    chmodSync(join(place, 'bin', name), 0o755)
  }
  const env = { ...process.env, PLACE: place, PATH: `${join(place, 'bin')}:${process.env['PATH']}` }
  return {
    root: join(place, 'root'),
    refuses: join(place, 'refuses'),
    asked: () => readFileSync(join(place, 'asked'), 'utf8'),
    make: (suite: string) => spawnSync(script, [suite, join(place, 'root')], { encoding: 'utf8', env }),
  }
}

test('a system that is not made to its end is not there, and the next try begins anew', (t) => {
  const { root, refuses, make } = machine(t)
  writeFileSync(refuses, '')
  assert.equal(make('sid').status, 1)
  assert.ok(!existsSync(root))

  rmSync(refuses)
  writeFileSync(join(`${root}.making`, 'usr/rest'), '')
  const { status, stderr } = make('sid')
  assert.equal(status, 0, stderr)
  assert.deepEqual([existsSync(join(root, 'usr/whole')), existsSync(join(root, 'usr/rest'))], [true, false])
})

test('a suite that is newer than debootstrap is made as sid is', (t) => {
  const { asked, make } = machine(t)
  assert.equal(make('no-such-suite').status, 0)
  assert.equal(asked(), 'no-such-suite like sid\n')
})

test('a folder that holds something is never made into a system', (t) => {
  const { root, make } = machine(t)
  mkdirSync(root)
  writeFileSync(join(root, 'thesis.txt'), 'mine')
  assert.equal(make('sid').status, 1)
  assert.equal(readFileSync(join(root, 'thesis.txt'), 'utf8'), 'mine')
})

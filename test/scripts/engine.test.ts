// scripts/engine deletes folders and kills processes: it must refuse every folder that is not its own. Needs no root and no engine.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

function engine(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return engineOf('', ...words)
}

/** As `engine`, with the environment's ENGINE_ROOT. */
function engineOf(root: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, ENGINE_ROOT: root }
  return spawnSync(resolve(import.meta.dirname, '../../scripts/engine'), words, { encoding: 'utf8', env })
}

test('a folder that holds something else is neither started in nor removed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'thesis.txt')
  writeFileSync(file, 'mine')

  const started = engine('start', folder)
  assert.equal(started.status, 1)
  assert.equal(started.stdout, '')
  assert.match(started.stderr, /holds no engine/)

  const stopped = engine('stop', folder)
  assert.equal(stopped.status, 1)
  assert.match(stopped.stderr, /nothing was touched/)
  assert.ok(existsSync(file))
})

test('stopping removes only what the engine made, and never the process of a number that was given to another', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  // As after a crash: the pid file names a process, ours, which is no engine.
  writeFileSync(join(folder, 'engine.pid'), `${process.pid}\n`)
  writeFileSync(join(folder, 'thesis.txt'), 'mine')

  assert.equal(engine('stop', folder).status, 1)
  assert.ok(existsSync(join(folder, 'thesis.txt')))

  writeFileSync(join(folder, 'engine.pid'), `${process.pid}\n`)
  rmSync(join(folder, 'thesis.txt'))
  assert.equal(engine('stop', folder).status, 0)
  assert.ok(!existsSync(folder))
})

test('stopping where nothing is succeeds', () => {
  assert.equal(engine('stop', join(tmpdir(), 'engine-that-never-was')).status, 0)
})

test('a folder whose sockets would have too long paths is refused before anything is made', () => {
  const folder = join(tmpdir(), 'x'.repeat(80))
  const { status, stderr } = engine('start', folder)
  assert.equal(status, 1)
  assert.match(stderr, /choose a shorter folder/)
  assert.ok(!existsSync(folder))
})

test('a system without an engine is refused before anything is made', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { status, stderr } = engineOf(folder, 'start', join(folder, 'own'))
  assert.equal(status, 1)
  assert.match(stderr, /holds no dockerd: make it with scripts\/engine-root/)
  assert.ok(!existsSync(join(folder, 'own')))
})

test('a Swarm is not started where something else is, and its words do nothing where none runs', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const word of ['kill', 'start', 'crash', 'cut', 'join']) {
    const { status, stderr } = engine('swarm', folder, word, 'b')
    assert.deepEqual([status, /no Swarm runs in/.test(stderr)], [1, true], stderr)
  }
  writeFileSync(join(folder, 'thesis.txt'), 'mine')
  const started = engine('swarm', folder)
  assert.deepEqual([started.status, started.stdout], [1, ''])
  assert.match(started.stderr, /holds no engine/)
  assert.deepEqual(readdirSync(folder), ['thesis.txt'])
})

test('stopping a Swarm of which nothing runs removes what it made, and nothing else that lies there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const own of ['tls', 'tls/a', 'a', 'b']) mkdirSync(join(folder, own))
  for (const file of ['engine.pid', 'a/engine.pid', 'b/engine.pid', 'tls/ca-key.pem', 'tls/a/key.pem']) {
    writeFileSync(join(folder, file), '')
  }
  const [inNode, inTls] = [join(folder, 'b/thesis.txt'), join(folder, 'tls/thesis.txt')]
  for (const file of [inNode, inTls]) {
    writeFileSync(file, 'mine')
    assert.equal(engine('stop', folder).status, 1)
    assert.ok(existsSync(file))
    rmSync(file)
  }
  assert.equal(engine('stop', folder).status, 0)
  assert.ok(!existsSync(folder))
})

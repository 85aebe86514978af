// scripts/engine deletes folders and kills processes: it must refuse every folder that is not its own. Needs no root and no engine.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

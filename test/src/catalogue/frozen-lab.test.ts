// What a session freezes of its lab, and the hash that tells two labs apart.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FrozenLab, freezeCollect, parseFrozenCollect, specHash } from '../../../src/catalogue/frozen-lab.ts'

const lab: FrozenLab = {
  name: 'linux-shell',
  image: 'busybox:1.36',
  imageId: 'sha256:aaaa',
  user: '1000:1000',
  workspace: '/home/student',
  env: { A: '1', B: '2' },
  port: 8080,
  cpus: 0.5,
  memoryMb: 128,
  pids: 128,
  tmpMb: 64,
  internet: false,
  stopSeconds: 10,
  collect: { exclude: ['*.o', 'a/**'], maxBytes: 1000, maxFiles: 10 },
  ttlMinutes: 180,
  maxLifeMinutes: 720,
}

test('the spec hash does not depend on the order of keys, at any depth', () => {
  const reversed = Object.fromEntries(Object.entries(lab).reverse())
  assert.notEqual(JSON.stringify(reversed), JSON.stringify(lab))
  assert.equal(specHash({ ...lab, ...reversed, env: { B: '2', A: '1' } }), specHash(lab))
})

test('a member that is undefined is the same as one that is absent, as in JSON', () => {
  const { env: _, ...absent } = lab
  const undefinedEnv: FrozenLab = { ...absent }
  Reflect.set(undefinedEnv, 'env', undefined)
  assert.ok('env' in undefinedEnv)
  assert.equal(specHash(undefinedEnv), specHash(absent))
  assert.equal(specHash(JSON.parse(JSON.stringify(undefinedEnv))), specHash(absent))
})

test('any change of the lab changes the hash, the order of a list too', () => {
  const changes: Partial<FrozenLab>[] = [
    { imageId: 'sha256:bbbb' },
    { memoryMb: 129 },
    { internet: true },
    { env: { A: '1', B: '3' } },
    { env: { A: '1' } },
    { collect: { ...lab.collect, exclude: ['a/**', '*.o'] } },
    { command: ['sleep', 'infinity'] },
  ]
  const hashes = [lab, ...changes.map((change) => ({ ...lab, ...change }))].map(specHash)
  assert.equal(new Set(hashes).size, hashes.length)
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{32}$/)
})

test('what is frozen into the collect label comes back from it', () => {
  const frozen = freezeCollect(lab)
  assert.deepEqual(frozen, { workspace: '/home/student', stopSeconds: 10, rules: lab.collect })
  assert.deepEqual(parseFrozenCollect(JSON.stringify(frozen)), frozen)
})

test('a label of another shape is not half understood', () => {
  const frozen = freezeCollect(lab)
  const labels = [
    '',
    'nonsense',
    'null',
    '{}',
    JSON.stringify({ ...frozen, workspace: undefined }),
    JSON.stringify({ ...frozen, rules: {} }),
    JSON.stringify({ ...frozen, rules: { ...frozen.rules, maxBytes: '1000' } }),
    JSON.stringify({ ...frozen, rules: { ...frozen.rules, unknown: 1 } }),
  ]
  for (const label of labels) assert.equal(parseFrozenCollect(label), undefined, label)
})

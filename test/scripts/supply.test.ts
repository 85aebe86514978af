// What `npm run supply` finds fault with. The lock files and audit reports are hand-made in the shape that npm writes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  advisories,
  type LockFile,
  looseVersions,
  refusedLicences,
  runtimePaths,
  unpinnedPackages,
} from '../../scripts/supply-check.ts'

const integrity = `sha512-${'A'.repeat(86)}==`
const good = { version: '1.0.0', integrity, license: 'MIT' }

const lockOf = (packages: LockFile['packages']): LockFile => ({
  lockfileVersion: 3,
  packages: { '': { version: '0.1.0', license: 'MIT' }, ...packages },
})

test('a version that is a range, a tag or an address is not exact', () => {
  const devDependencies = { a: '1.2.3', b: '2.0.0-rc.1' }
  assert.deepEqual(looseVersions({ dependencies: { c: '0.34.52' }, devDependencies }), [])
  for (const version of ['^1.2.3', '~1.2.3', '1.2', '1.x', 'latest', '*', 'file:../a', 'git+https://x/a.git', '']) {
    assert.equal(looseVersions({ dependencies: { c: version }, devDependencies }).length, 1, version)
  }
})

test('a package without its SHA-512, or from elsewhere, is not pinned; those of development count too', () => {
  const resolved = 'https://registry.npmjs.org/b/-/b-1.0.0.tgz'
  assert.deepEqual(unpinnedPackages(lockOf({ 'node_modules/a': good, 'node_modules/b': { ...good, resolved } })), [])
  for (const change of [
    { integrity: '' },
    { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
    { resolved: 'git+ssh://git@example.com/a.git' },
    { resolved: 'https://registry.npmjs.org.example/a.tgz' },
  ]) {
    assert.equal(unpinnedPackages(lockOf({ 'node_modules/a': { ...good, dev: true, ...change } })).length, 1)
  }
})

test('a licence must be allowed, whole or in one of its alternatives', () => {
  const refused = (licence: unknown) =>
    refusedLicences(lockOf({ 'node_modules/a': good }), new Map([['node_modules/a', licence]])).length === 1
  for (const licence of ['MIT', 'BlueOak-1.0.0', '(MIT OR GPL-3.0-only)', 'GPL-2.0-only OR ISC', 'MIT AND ISC']) {
    assert.ok(!refused(licence), licence)
  }
  for (const licence of [
    'AGPL-3.0-only',
    'MIT AND GPL-3.0-only',
    'UNLICENSED',
    'SEE LICENSE IN x',
    '',
    { type: 'MIT' },
  ]) {
    assert.ok(refused(licence), JSON.stringify(licence))
  }
})

test('only what runs with the service needs a licence from the list; what is not installed is judged by the lock file', () => {
  const lock = lockOf({
    'node_modules/a': good,
    'node_modules/tool': { ...good, license: 'GPL-3.0-only', dev: true },
    'node_modules/other-platform': { ...good, license: 'GPL-3.0-only' },
  })
  assert.deepEqual(runtimePaths(lock), ['node_modules/a', 'node_modules/other-platform'])
  assert.deepEqual(refusedLicences(lock, new Map([['node_modules/a', 'MIT']])), [
    'node_modules/other-platform has the licence "GPL-3.0-only", which is not on the list',
  ])
  const { license: _, ...nameless } = good
  assert.equal(refusedLicences(lockOf({ 'node_modules/a': nameless }), new Map()).length, 1)
})

test('high and critical advisories are grave; an answer that is no report tells nothing', () => {
  const report = (severities: Record<string, string>) =>
    JSON.stringify({
      auditReportVersion: 2,
      vulnerabilities: Object.fromEntries(
        Object.entries(severities).map(([name, severity]) => [name, { name, severity, via: [], range: '<2.0.0' }]),
      ),
    })
  assert.deepEqual(advisories(report({})), { grave: [], other: [] })
  assert.deepEqual(advisories(report({ a: 'low', b: 'high', c: 'critical', d: 'moderate' })), {
    grave: ['b <2.0.0: an advisory, high', 'c <2.0.0: an advisory, critical'],
    other: ['a <2.0.0: an advisory, low', 'd <2.0.0: an advisory, moderate'],
  })
  for (const printed of [
    '',
    'npm error',
    '{"statusCode":405,"message":"405 Method Not Allowed"}',
    '{"vulnerabilities":{}}',
  ]) {
    assert.equal(advisories(printed), undefined, printed)
  }
})

// The process, started for real: a configuration that it cannot use.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { failedStart, installation } from '../support/installation.ts'

test('a configuration that cannot be used ends the start with exit code 78 and names what is wrong', async (t) => {
  const { start, folder } = await installation(t)
  const plain = join(folder, 'plain-file')
  await writeFile(plain, 'precious')
  const cases: [Record<string, string>, RegExp][] = [
    [{ LISTEN: '0.0.0.0:8080' }, /LISTEN/],
    [{ LISTEN: plain }, /LISTEN/],
    [{ CATALOGUE: join(folder, 'gone.json') }, /CATALOGUE .*gone\.json/],
    [{ DOCKER_HOST: 'nonsense' }, /DOCKER_HOST/],
    [{ AUTH_PUBLIC_KEY_FILE: plain }, /AUTH_PUBLIC_KEY_FILE .*plain-file/],
    [{ AUTH: 'jwt' }, /AUTH_JWT_SECRET/],
    [{ MINIO_ENDPOINT: 'http://127.0.0.1:9' }, /MINIO_ENDPOINT/],
    [{ MINIO_ENDPIONT: 'http://127.0.0.1:9' }, /did you mean MINIO_ENDPOINT\?/],
  ]
  const ends = await Promise.all(cases.map(([env]) => failedStart(start(env))))
  for (const [index, { exitCode, words }] of ends.entries()) {
    assert.equal(exitCode, 78, words)
    assert.match(words, /^class-runtime cannot start: /)
    assert.match(words, cases[index]?.[1] ?? /never/)
    assert.equal(words.trim().split('\n').length, 1, 'one line, no stack')
  }
  assert.equal(await readFile(plain, 'utf8'), 'precious')
})

// Faults of the engine client in the words of the runtime port.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError, type EngineErrorCode } from '../../../../engine-api/index.ts'
import { asRuntimeError } from '../../../../src/runtime/docker/errors.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'

function translate(code: EngineErrorCode, engineMessage?: string, cause?: unknown): RuntimeError {
  const original = new EngineError('at unix:///run/secret.sock', {
    code,
    endpoint: 'test',
    retry: 'no',
    engineMessage,
    cause,
  })
  const error = asRuntimeError(original)
  assert.ok(error instanceof RuntimeError)
  assert.equal(error.cause, original, 'the log gets the whole error')
  return error
}

const withErrno = (code: string) => Object.assign(new Error(`connect ${code} /run/secret.sock`), { code })

test('an engine that cannot be used is unavailable, with what to do and without its address', () => {
  const cases: [EngineErrorCode, unknown, RegExp][] = [
    ['unreachable', withErrno('ENOENT'), /not running.*Start the engine/],
    ['unreachable', withErrno('EACCES'), /may not open.*group docker/],
    ['unreachable', withErrno('ECONNREFUSED'), /does not answer.*Start the engine/],
    ['unreachable', withErrno('ECONNRESET'), /connection .* broke.*Repeat/],
    ['timeout', undefined, /did not answer in time.*Repeat/],
  ]
  for (const [code, cause, message] of cases) {
    const error = translate(code, undefined, cause)
    assert.equal(error.code, 'unavailable')
    assert.match(error.message, message)
    assert.doesNotMatch(error.message, /secret|sock:/)
  }
})

test('a cut or unsound archive is never anything else', () => {
  assert.equal(translate('archive-truncated').code, 'archive')
  assert.equal(translate('archive-corrupt').code, 'archive')
})

test('a refusal carries the words of the engine', () => {
  const error = translate('conflict', 'container is marked for removal')
  assert.equal(error.code, 'failed')
  assert.equal(error.message, 'The engine refused: container is marked for removal')
  assert.equal(translate('not-found', 'No such container: x').code, 'gone')
})

test('a host of the engine that is full is a fault of its own, and its files are not named', () => {
  for (const words of [
    'no space left on device',
    'disk quota exceeded',
    'cannot allocate memory',
    'too many open files',
  ]) {
    const error = translate('server-error', `write /var/lib/docker/containers/0a/.tmp-config.v2.json1: ${words}`)
    assert.equal(error.code, 'full')
    assert.match(error.message, /no room left.*Everything is kept/)
    assert.doesNotMatch(error.message, /docker\/|tmp-config/)
  }
})

test('a file of the host is in no message, and the program of a lab is', () => {
  const cases: [string, RegExp][] = [
    ['unlinkat /srv/engine/volumes/v/_data/student/f: operation not permitted', /refused: unlinkat .*not permitted/],
    ['error while mounting volume "/data/x/_data": failed', /mounting volume .*: failed/],
    ['open /data/docker/overlay2/l/x/diff: permission denied', /^The engine refused: open .*: permission denied$/],
  ]
  for (const [words, shape] of cases) {
    const { message } = translate('server-error', words)
    assert.match(message, shape)
    assert.doesNotMatch(message, /\/(srv|data)/)
  }
  const quoted = translate('server-error', "mount 'overlay' on '/mnt/my data/overlay2/x': no such device").message
  assert.equal(quoted, "The engine refused: mount 'overlay' on (a file of the host): no such device")
  for (const words of [
    'exec: "/opt/lab/run": stat failed',
    'chdir to cwd ("/home/student") set in config.json failed',
    'pull of registry.example/labs/os:1 from https://registry.example/v2/ failed',
  ]) {
    assert.equal(translate('bad-request', words).message, `The engine refused: ${words}`)
  }
})

test('what is not of the engine client passes as it is', () => {
  const error = new TypeError('ours')
  assert.equal(asRuntimeError(error), error)
})

// The printed line against a real shell and, where it is installed, the real curl: what is read out of it must be the call.

import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type CallReport, createEngine, curlLine, packTar } from '../../engine-api/index.ts'
import { answerOf, rawServer } from './raw-server.ts'

const host = { host: 'unix:///run/docker.sock' }
const json = { 'content-type': 'application/json' }

const callOf = (more: Partial<CallReport>): CallReport => ({
  endpoint: 'any',
  method: 'POST',
  path: '/v1.41/containers/create',
  sent: { headers: {} },
  durationMs: 1,
  ...more,
})

/** The words that a shell reads out of a line; a redirection is no word. */
function wordsOf(line: string, shell = 'sh'): string[] {
  const printed = execFileSync(shell, ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
  return printed.split('\0').slice(0, -1)
}

test('method, versioned path, query and headers; a GET says no method, a HEAD waits for no body', () => {
  const list = callOf({ method: 'GET', path: '/v1.41/containers/json', query: 'all=1&filters=%7B%7D' })
  assert.equal(
    curlLine(host, list),
    "curl --unix-socket '/run/docker.sock' 'http://docker/v1.41/containers/json?all=1&filters=%7B%7D'",
  )
  assert.equal(
    curlLine(host, callOf({ method: 'HEAD', path: '/v1.41/containers/a/archive', query: 'path=%2F' })),
    "curl --unix-socket '/run/docker.sock' --head 'http://docker/v1.41/containers/a/archive?path=%2F'",
  )
  assert.equal(
    curlLine(host, callOf({ sent: { headers: json, body: { json: { Image: 'a' } } } })),
    `curl --unix-socket '/run/docker.sock' --request POST --header 'content-type: application/json' --data-raw '{"Image":"a"}' 'http://docker/v1.41/containers/create'`,
  )
})

test('an uploaded tar is read from a file, never waited for at the terminal', () => {
  const call = callOf({ method: 'PUT', sent: { headers: {}, body: 'tar' } })
  assert.match(curlLine(host, call), /--request PUT --upload-file - 'http:\S+' <upload\.tar$/)
})

test('a tcp host is http, with a certificate folder https and its three files', () => {
  const call = callOf({ method: 'GET', path: '/_ping' })
  assert.equal(curlLine({ host: 'tcp://10.0.0.1:2375' }, call), "curl 'http://10.0.0.1:2375/_ping'")
  assert.deepEqual(wordsOf(curlLine({ host: 'tcp://[::1]:2376', certPath: "/it's mine" }, call)), [
    'curl',
    ...['--cacert', "/it's mine/ca.pem", '--cert', "/it's mine/cert.pem", '--key', "/it's mine/key.pem"],
    'https://[::1]:2376/_ping',
  ])
})

test('a shell reads hostile values back unchanged and runs nothing of them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curl-line-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const ran = join(folder, 'ran')
  const hostile = [
    `'; touch ${ran}; '`,
    `$(touch ${ran}) \`touch ${ran}\` $HOME \${HOME}`,
    `"' "" ''' \\' \\\\ \\n !! ~ * ? [a] {a,b} # & | < > ;`,
    'line one\nline two\r\ttab \u001b[31m \u2028',
    'Nguyễn Văn Ánh 🎓',
    '@/etc/passwd',
    '-o /dev/null',
    '%s %n \\0',
    '',
  ]
  for (const value of hostile) {
    const body = { json: { Cmd: [value], Labels: { [value]: value } } }
    const line = curlLine({ host: "unix:///it's $HOME" }, callOf({ sent: { headers: { 'x-test': value }, body } }))
    for (const shell of ['sh', 'bash']) {
      assert.deepEqual(wordsOf(line, shell), [
        'curl',
        ...['--unix-socket', "/it's $HOME", '--request', 'POST', '--header', `x-test: ${value}`],
        ...['--data-raw', JSON.stringify(body.json), 'http://docker/v1.41/containers/create'],
      ])
    }
  }
  assert.throws(() => execFileSync('ls', [ran], { stdio: 'pipe' }), 'a value was run as a command')
})

test('values of Env and credentials of registries are masked, all else is as sent', () => {
  const Env = ['TOKEN=hunter2', 'EMPTY=', 'KEY=a=hunter2\nhunter2', 'NAME']
  const body = { json: { Image: 'a', Env, HostConfig: { Memory: 1 }, Labels: { Env: 'shown' } } }
  const headers = { ...json, 'X-Registry-Auth': 'hunter2', 'x-registry-config': 'hunter2' }
  const line = curlLine(host, callOf({ sent: { headers, body } }))
  assert.doesNotMatch(line, /hunter2/)
  assert.deepEqual(wordsOf(line).slice(5, 13), [
    ...['--header', 'content-type: application/json'],
    ...['--header', 'X-Registry-Auth: [secret]', '--header', 'x-registry-config: [secret]'],
    '--data-raw',
    '{"Image":"a","Env":["TOKEN=[secret]","EMPTY=[secret]","KEY=[secret]","NAME"],"HostConfig":{"Memory":1},"Labels":{"Env":"shown"}}',
  ])
})

const skipWithoutCurl = spawnSync('curl', ['--version']).error === undefined ? false : 'curl is not installed'

test('curl sends what the client sent: method, target, body and its type', { skip: skipWithoutCurl }, async (t) => {
  const stat = Buffer.from(JSON.stringify({ name: 'a', size: 0, mode: 0, mtime: '', linkTarget: '' })).toString(
    'base64',
  )
  const server = await rawServer(t, (socket, { method, target }) => {
    if (method === 'HEAD') {
      socket.write(`HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: ${stat}\r\nContent-Length: 0\r\n\r\n`)
    } else if (target.endsWith('/create')) socket.write(answerOf(201, '{"Id":"e"}'))
    else if (method === 'GET') socket.write(answerOf(200, '[]'))
    else if (method === 'PUT') socket.write(answerOf(200))
    else socket.write(answerOf(204))
  })
  const calls: CallReport[] = []
  const engine = createEngine({ host: server.host, onCall: (call) => calls.push(call) })
  t.after(() => engine.close())
  const tar = await allOf(packTar([{ name: 'it', type: 'directory', mode: 0o755, uid: 1, gid: 1, mtimeMs: 0 }]))
  await engine.containers.list({ all: true, filters: { label: ["it's=a b"] } })
  await engine.networks.create({ Name: "it's $HOME" }).catch(() => undefined)
  await engine.containers.stat('c', "/it's").catch(() => undefined)
  await engine.containers.putArchive('c', '/home', partsOf(tar))
  await engine.containers.start('c')
  await engine.containers.remove('c')
  const sent = [...server.requests]
  assert.equal(sent.length, 6)

  for (const call of calls) if (call.endpoint !== 'system-ping') await runLine(t, curlLine(server, call), tar)
  const shown = ({ method, target, headers, body }: (typeof sent)[number]) =>
    [method, target, headers['content-type'], body.toString('base64')] as const
  assert.deepEqual(server.requests.slice(sent.length).map(shown), sent.map(shown))
})

async function* partsOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function allOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const part of parts) chunks.push(part)
  return Buffer.concat(chunks)
}

/** Pastes a line into a shell that stands in a folder with `upload.tar`. */
async function runLine(t: TestContext, line: string, tar: Uint8Array): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'curl-line-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'upload.tar'), tar)
  const child = spawn('sh', ['-c', line], { cwd: folder, stdio: 'ignore' })
  const [exitCode] = await once(child, 'exit')
  assert.equal(exitCode, 0, line)
}

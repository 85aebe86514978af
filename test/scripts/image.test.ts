// Dockerfile and compose.yaml as far as they can be checked without building: no registry is asked here.
// The two are read by their lines: they are ours, and short.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../../src/config.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')

/** The instructions of the Dockerfile, comments left out and continued lines joined. */
const instructions = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .trim()
  .split('\n')
  .filter((line) => line !== '')

const argumentsOf = (keyword: string): string[] =>
  instructions.flatMap((line) => (line.startsWith(`${keyword} `) ? [line.slice(keyword.length + 1)] : []))

const environment = Object.fromEntries(
  argumentsOf('ENV').flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value])),
)

/** The lines below a key of compose.yaml that are indented deeper, without that indent. */
function below(text: string, key: string): string {
  const indent = /^ */.exec(key)?.[0].length ?? 0
  const lines = text.split('\n')
  const start = lines.indexOf(key)
  assert.ok(start >= 0, key)
  const end = lines.findIndex((line, index) => index > start && line !== '' && !line.startsWith(' '.repeat(indent + 1)))
  return lines.slice(start + 1, end === -1 ? undefined : end).join('\n')
}

const compose = read('compose.yaml').replace(/^ *#.*\n/gm, '')
const services = below(compose, 'services:')
const serviceNames = [...services.matchAll(/^ {2}(\S+):$/gm)].map(([, name = '']) => name)

test('all that the image copies is here, and nothing else reaches the build', () => {
  const sources = argumentsOf('COPY')
    .filter((line) => !line.startsWith('--from='))
    .flatMap((line) => line.split(' ').slice(0, -1))
  assert.deepEqual(sources, ['package.json', 'package-lock.json', 'package.json', 'tsconfig.json', 'engine-api', 'src'])
  for (const source of sources) assert.ok(existsSync(join(root, source)), source)
  const [first, ...admitted] = read('.dockerignore')
    .replace(/^#.*\n/gm, '')
    .trim()
    .split('\n')
  assert.equal(first, '*')
  assert.deepEqual(new Set(admitted.map((line) => line.replace(/^!/, ''))), new Set(sources))
})

test('the image runs what npm start runs, on the Node that scripts/parts brings to the tests, and not as root', () => {
  const { scripts } = JSON.parse(read('package.json'))
  assert.deepEqual(JSON.parse(argumentsOf('CMD')[0] ?? ''), scripts.start.replace('--import tsx ', '').split(' '))
  const [, version = '', major] = /^NODE=node:((\d+)\.\d+\.\d+)-/.exec(argumentsOf('ARG')[0] ?? '') ?? []
  assert.match(read(`scripts/parts.d/node${major}`), new RegExp(`^# Node ${version},`))
  assert.match(argumentsOf('USER')[0] ?? '', /^[1-9]\d*:[1-9]\d*$/)
  assert.ok(
    instructions.findIndex((line) => line.startsWith('USER')) >
      instructions.findLastIndex((line) => line.startsWith('RUN')),
  )
})

test('the health check of the image is good while /healthz answers 200, and bad otherwise', async (t) => {
  const [, command = '[]'] = /CMD (\[.*\])$/.exec(argumentsOf('HEALTHCHECK')[0] ?? '') ?? []
  const [, ...parts]: string[] = JSON.parse(command)
  let status = 200
  const asked: (string | undefined)[] = []
  const server = createServer(({ url }, response) => {
    asked.push(url)
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const check = async (listen: string) => {
    const [code] = await once(spawn(process.execPath, parts, { env: { LISTEN: listen }, stdio: 'inherit' }), 'exit')
    return code
  }
  assert.equal(await check(`0.0.0.0:${address.port}`), 0)
  assert.deepEqual(asked, ['/healthz'])
  status = 503
  assert.equal(await check(`[::]:${address.port}`), 1)
  assert.equal(await check('0.0.0.0:1'), 1)
})

test('compose sets only what the service reads, and the service accepts it', () => {
  const lines = below(below(services, '  service:'), '    environment:')
  const set = [...lines.matchAll(/^ +([A-Z_]+): (\S+)$|^ +([A-Z_]+): (\$\{.*\})$/gm)].map(
    ([, name = '', value = '', secret = '']) => [name || secret, value || 'x'.repeat(32)] as const,
  )
  assert.equal(set.length, lines.split('\n').filter((line) => line.trim() !== '').length)
  const parts = readdirSync(resolve(root, 'src/config')).map((name) => `src/config/${name}`)
  const readers = ['src/config.ts', ...parts].map(read).join('')
  const known = new Set([...readers.matchAll(/'([A-Z][A-Z_]+)'/g)].map(([, name]) => name))
  for (const [name] of set) assert.ok(known.has(name), `the service does not read ${name}`)
  const config = readConfig({ ...environment, ...Object.fromEntries(set) })
  assert.deepEqual(config.listen, { host: '0.0.0.0', port: 8080 })
  assert.equal(config.auth.kind, 'jwt')
  assert.equal(config.store.kind, 's3')
})

test('every container of compose is closed in, and only this host reaches it', () => {
  assert.deepEqual(serviceNames, ['service', 'minio', 'traefik'])
  for (const name of serviceNames) {
    const service = below(services, `  ${name}:`)
    for (const line of ['    read_only: true', '    cap_drop: [ALL]', "    security_opt: ['no-new-privileges:true']"]) {
      assert.ok(service.split('\n').includes(line), `${name}: ${line.trim()}`)
    }
    assert.match(service, /^ {4}ports: \['127\.0\.0\.1:\d+:\d+'\]$/m)
    assert.doesNotMatch(service, /privileged: true|network_mode|cap_add|:latest/)
  }
  const [, proxy = ''] = /TRAEFIK_CONTAINER: (\S+)/.exec(services) ?? []
  assert.ok(below(services, '  traefik:').includes(`    container_name: ${proxy}\n`))
})

// What each call sends: method, path, query, body. One case an endpoint, so that a body can never turn into a query
// or a path go out unencoded. The answers are hand-made.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { sep } from 'node:path'
import { test } from 'node:test'
import { createEngine, type Engine, endpoints, packTar, type TarInput } from '../../engine-api/index.ts'
import { chunksOf, collected } from './cut.ts'
import { answerOf, type RawRequest, rawServer } from './raw-server.ts'

const odd = 'a/b ?#%ü'
const oddEncoded = 'a%2Fb%20%3F%23%25%C3%BC'
const pathStat = Buffer.from('{"name":"x","size":1,"mode":420,"mtime":"t","linkTarget":""}').toString('base64')
const container = JSON.stringify({
  Id: 'c',
  Name: '/c',
  Created: 't',
  Image: 'sha256:i',
  RestartCount: 0,
  Config: { Image: 'i', Labels: null, Tty: false },
  State: {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    ExitCode: 0,
    Error: '',
    StartedAt: 't',
    FinishedAt: 't',
  },
  HostConfig: { RestartPolicy: { Name: 'no' }, Memory: 0, NanoCpus: 0 },
  Mounts: [],
  NetworkSettings: { Networks: {} },
})
const network = '{"Id":"n","Name":"n","Driver":"bridge","Internal":false,"Labels":{},"IPAM":{"Config":null}}'
const volume = '{"Name":"v","Driver":"local","Labels":null}'
const info =
  '{"ServerVersion":"1","OperatingSystem":"o","Driver":"d","MemTotal":1,"NCPU":1,"SecurityOptions":[],"Runtimes":{}}'
const image = '{"Id":"i","RepoTags":[],"RepoDigests":null,"Size":1,"Architecture":"amd64","Os":"linux"}'
const node = {
  ID: 'n/1',
  Version: { Index: 7 },
  Spec: { Name: 'x', Labels: { room: '3' }, Role: 'worker', Availability: 'active' },
  Description: {},
  Status: { State: 'ready', Addr: '10.0.0.2' },
} as const
const addresses = { ListenAddr: '10.0.0.2:2377', AdvertiseAddr: '10.0.0.2' }
const invitation = { RemoteAddrs: ['10.0.0.1:2377'], JoinToken: 'SWMTKN-1-x' }
const files: TarInput[] = [{ name: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, body: Buffer.from('x') }]
const filters = { label: ['a=b', 'c'] }
const filtersEncoded = encodeURIComponent('{"label":["a=b","c"]}')

interface Case {
  readonly endpoint: string
  readonly call: (engine: Engine) => Promise<unknown>
  readonly answer: Buffer | Promise<Buffer>
  /** Method and target, without the version. */
  readonly sends: string
  readonly body?: object | 'tar'
}

const cases: readonly Case[] = [
  { endpoint: 'system-ping', call: (e) => e.system.ping(), answer: answerOf(200, 'OK'), sends: 'GET /_ping' },
  { endpoint: 'system-info', call: (e) => e.system.info(), answer: answerOf(200, info), sends: 'GET /info' },
  {
    endpoint: 'system-df',
    call: (e) => e.system.diskUsage(),
    answer: answerOf(200, '{"LayersSize":1,"Images":null,"Containers":[{"Id":"c"}],"Volumes":[]}'),
    sends: 'GET /system/df',
  },
  {
    endpoint: 'system-events',
    call: (e) => collected(e.system.events({ since: '1.5', until: '2', filters })),
    answer: answerOf(200),
    sends: `GET /events?since=1.5&until=2&filters=${filtersEncoded}`,
  },
  {
    endpoint: 'network-create',
    call: (e) => e.networks.create({ Name: 'n', Internal: true }),
    answer: answerOf(201, '{"Id":"n","Warning":""}'),
    sends: 'POST /networks/create',
    body: { Name: 'n', Internal: true, CheckDuplicate: true },
  },
  {
    endpoint: 'network-inspect',
    call: (e) => e.networks.inspect(odd),
    answer: answerOf(200, network),
    sends: `GET /networks/${oddEncoded}`,
  },
  {
    endpoint: 'network-list',
    call: (e) => e.networks.list({ filters }),
    answer: answerOf(200, `[${network}]`),
    sends: `GET /networks?filters=${filtersEncoded}`,
  },
  {
    endpoint: 'network-connect',
    call: (e) => e.networks.connect('n', 'c'),
    answer: answerOf(200),
    sends: 'POST /networks/n/connect',
    body: { Container: 'c' },
  },
  {
    endpoint: 'network-disconnect',
    call: (e) => e.networks.disconnect('n', 'c', { force: true }),
    answer: answerOf(200),
    sends: 'POST /networks/n/disconnect',
    body: { Container: 'c', Force: true },
  },
  {
    endpoint: 'network-remove',
    call: (e) => e.networks.remove(odd),
    answer: answerOf(204),
    sends: `DELETE /networks/${oddEncoded}`,
  },
  {
    endpoint: 'volume-create',
    call: (e) => e.volumes.create({ Name: 'v', Labels: { a: 'b' } }),
    answer: answerOf(201, volume),
    sends: 'POST /volumes/create',
    body: { Name: 'v', Labels: { a: 'b' } },
  },
  {
    endpoint: 'volume-inspect',
    call: (e) => e.volumes.inspect(odd),
    answer: answerOf(200, volume),
    sends: `GET /volumes/${oddEncoded}`,
  },
  {
    endpoint: 'volume-list',
    call: (e) => e.volumes.list({ filters }),
    answer: answerOf(200, '{"Volumes":null,"Warnings":null}'),
    sends: `GET /volumes?filters=${filtersEncoded}`,
  },
  {
    endpoint: 'volume-remove',
    call: (e) => e.volumes.remove(odd),
    answer: answerOf(204),
    sends: `DELETE /volumes/${oddEncoded}`,
  },
  {
    endpoint: 'container-create',
    call: (e) => e.containers.create({ name: 'c', body: { Image: 'i', HostConfig: { Init: true } } }),
    answer: answerOf(201, '{"Id":"c","Warnings":[]}'),
    sends: 'POST /containers/create?name=c',
    body: { Image: 'i', HostConfig: { Init: true } },
  },
  {
    endpoint: 'container-start',
    call: (e) => e.containers.start(odd),
    answer: answerOf(204),
    sends: `POST /containers/${oddEncoded}/start`,
  },
  {
    endpoint: 'container-inspect',
    call: (e) => e.containers.inspect(odd),
    answer: answerOf(200, container),
    sends: `GET /containers/${oddEncoded}/json`,
  },
  {
    endpoint: 'container-list',
    call: (e) => e.containers.list({ all: true, filters }),
    answer: answerOf(200, '[]'),
    sends: `GET /containers/json?all=1&filters=${filtersEncoded}`,
  },
  {
    endpoint: 'container-update',
    call: (e) => e.containers.update('c', { RestartPolicy: { Name: 'no' } }),
    answer: answerOf(200, '{"Warnings":null}'),
    sends: 'POST /containers/c/update',
    body: { RestartPolicy: { Name: 'no' } },
  },
  {
    endpoint: 'container-pause',
    call: (e) => e.containers.pause(odd),
    answer: answerOf(204),
    sends: `POST /containers/${oddEncoded}/pause`,
  },
  {
    endpoint: 'container-unpause',
    call: (e) => e.containers.unpause(odd),
    answer: answerOf(204),
    sends: `POST /containers/${oddEncoded}/unpause`,
  },
  {
    endpoint: 'container-stats',
    call: (e) => e.containers.stats(odd),
    answer: answerOf(200, '{"read":"t","cpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{},"pids_stats":{}}'),
    sends: `GET /containers/${oddEncoded}/stats?stream=0&one-shot=1`,
  },
  {
    endpoint: 'container-top',
    call: (e) => e.containers.processes(odd),
    answer: answerOf(200, '{"Titles":["PID"],"Processes":[["1"]]}'),
    sends: `GET /containers/${oddEncoded}/top`,
  },
  {
    endpoint: 'container-changes',
    call: async (e) => assert.deepEqual(await e.containers.changes(odd), []),
    answer: answerOf(200, 'null\n'),
    sends: `GET /containers/${oddEncoded}/changes`,
  },
  {
    endpoint: 'container-stop',
    call: (e) => e.containers.stop('c', { graceSeconds: 0 }),
    answer: answerOf(204),
    sends: 'POST /containers/c/stop?t=0',
  },
  {
    endpoint: 'container-kill',
    call: (e) => e.containers.kill(odd),
    answer: answerOf(204),
    sends: `POST /containers/${oddEncoded}/kill`,
  },
  {
    endpoint: 'container-wait',
    call: async (e) => (await e.containers.wait('c', { condition: 'next-exit' })).exitCode(),
    answer: answerOf(200, '{"StatusCode":3}'),
    sends: 'POST /containers/c/wait?condition=next-exit',
  },
  {
    endpoint: 'container-logs',
    call: (e) => collected(e.containers.logs('c', { timestamps: false, tail: 5 })),
    answer: answerOf(200),
    sends: 'GET /containers/c/logs?stdout=1&stderr=1&timestamps=0&tail=5',
  },
  {
    endpoint: 'container-remove',
    call: (e) => e.containers.remove(odd),
    answer: answerOf(204),
    sends: `DELETE /containers/${oddEncoded}`,
  },
  {
    endpoint: 'archive-stat',
    call: (e) => e.containers.stat('c', '/a b'),
    answer: Buffer.from(`HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: ${pathStat}\r\n\r\n`),
    sends: 'HEAD /containers/c/archive?path=%2Fa%20b',
  },
  {
    endpoint: 'archive-get',
    call: (e) => collected(e.containers.archive('c', '/home/sinh viên')),
    answer: collected(packTar(files)).then((pieces) => answerOf(200, Buffer.concat(pieces))),
    sends: 'GET /containers/c/archive?path=%2Fhome%2Fsinh%20vi%C3%AAn',
  },
  {
    endpoint: 'archive-put',
    call: (e) => e.containers.putArchive('c', '/home', packTar(files)),
    answer: answerOf(200),
    sends: 'PUT /containers/c/archive?path=%2Fhome&noOverwriteDirNonDir=1',
    body: 'tar',
  },
  {
    endpoint: 'image-inspect',
    call: (e) => e.images.inspect('registry/name:1'),
    answer: answerOf(200, image),
    sends: 'GET /images/registry%2Fname%3A1/json',
  },
  {
    endpoint: 'image-list',
    call: (e) => e.images.list({ filters }),
    answer: answerOf(200, '[]'),
    sends: `GET /images/json?filters=${filtersEncoded}`,
  },
  {
    endpoint: 'image-pull',
    call: (e) => e.images.pull('busybox:1.36'),
    answer: answerOf(200, '{"status":"done"}\n'),
    sends: 'POST /images/create?fromImage=busybox%3A1.36',
  },
  {
    endpoint: 'image-import',
    call: (e) => e.images.import({ repository: 'r', tag: 't' }, packTar(files)),
    answer: answerOf(200, `{"status":"sha256:${'0'.repeat(64)}"}\n`),
    sends: 'POST /images/create?fromSrc=-&repo=r&tag=t',
    body: 'tar',
  },
  {
    endpoint: 'image-load',
    call: async (e) => assert.deepEqual(await e.images.load(packTar(files)), ['r:t', 'sha256:0', 'a:1', 'b:2']),
    answer: answerOf(
      200,
      '{"stream":"Loaded image: r:t\\n"}\n{"stream":"Loaded image ID: sha256:0\\n"}\n{"stream":"Loaded image: a:1,b:2"}\n',
    ),
    sends: 'POST /images/load?quiet=1',
    body: 'tar',
  },
  {
    endpoint: 'image-tag',
    call: (e) => e.images.tag(odd, { repository: 'r/n', tag: 't' }),
    answer: answerOf(201),
    sends: `POST /images/${oddEncoded}/tag?repo=r%2Fn&tag=t`,
  },
  {
    endpoint: 'image-remove',
    call: (e) => e.images.remove('r/n:t'),
    answer: answerOf(200, '[{"Untagged":"r/n:t"}]'),
    sends: 'DELETE /images/r%2Fn%3At',
  },
  {
    endpoint: 'swarm-init',
    call: async (e) => assert.equal(await e.swarm.init(addresses), 'n1'),
    answer: answerOf(200, '"n1"\n'),
    sends: 'POST /swarm/init',
    body: addresses,
  },
  {
    endpoint: 'swarm-inspect',
    call: (e) => e.swarm.inspect(),
    answer: answerOf(200, '{"ID":"s","JoinTokens":{"Worker":"w","Manager":"m"}}'),
    sends: 'GET /swarm',
  },
  {
    endpoint: 'swarm-join',
    call: (e) => e.swarm.join({ ...addresses, ...invitation }),
    answer: answerOf(200),
    sends: 'POST /swarm/join',
    body: { ...addresses, ...invitation },
  },
  {
    endpoint: 'swarm-leave',
    call: (e) => e.swarm.leave({ force: true }),
    answer: answerOf(200),
    sends: 'POST /swarm/leave?force=1',
  },
  {
    endpoint: 'node-list',
    call: async (e) => assert.deepEqual(await e.nodes.list(), [node]),
    answer: answerOf(200, JSON.stringify([node])),
    sends: 'GET /nodes',
  },
  {
    endpoint: 'node-update',
    call: (e) => e.nodes.update(node, { Availability: 'drain' }),
    answer: answerOf(200),
    sends: 'POST /nodes/n%2F1/update?version=7',
    body: { ...node.Spec, Availability: 'drain' },
  },
]

for (const { endpoint, call, answer, sends, body } of cases) {
  test(`${endpoint} sends exactly its request`, async (t) => {
    const server = await rawServer(t, (socket) => void Promise.resolve(answer).then((bytes) => socket.write(bytes)))
    const engine = createEngine({ host: server.host })
    t.after(() => engine.close())
    await call(engine)
    assert.equal(server.requests.length, 1)
    const request: RawRequest = server.requests[0] ?? assert.fail('no request')
    assert.equal(`${request.method} ${request.target}`, sends.replace(' ', ' /v1.41'))
    const type = request.headers['content-type']
    if (body === undefined) assert.deepEqual([request.body.toString(), type], ['', undefined])
    else if (body !== 'tar') {
      assert.deepEqual([JSON.parse(request.body.toString()), type], [body, 'application/json'])
    } else {
      const packed = Buffer.concat(await collected(packTar(files)))
      assert.ok(request.body.equals(packed), 'the body is the archive itself')
      assert.equal(type, 'application/x-tar')
    }
  })
}

test('every endpoint file is in the table, under its own name, and was called here or by the exec tests', () => {
  const folder = new URL('../../engine-api/endpoints/', import.meta.url)
  const fromFiles = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length).replace(sep, '-'))
  const fromTable = endpoints.map(({ name }) => name)
  assert.deepEqual([...fromTable].sort(), fromFiles.sort())
  const inExecTests = ['exec-create', 'exec-start', 'exec-attach', 'exec-resize', 'exec-inspect']
  assert.deepEqual([...cases.map(({ endpoint }) => endpoint), ...inExecTests].sort(), fromFiles)
})

test('an empty id is refused before anything is sent', async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(204)))
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  for (const id of ['', ' ', '.', '..']) {
    for (const call of [engine.containers.start(id), engine.containers.remove(id), engine.volumes.remove(id)]) {
      await assert.rejects(call, { code: 'invalid-argument' })
    }
    await assert.rejects(collected(engine.containers.archive(id, '/')), { code: 'invalid-argument' })
    await assert.rejects(engine.containers.putArchive(id, '/', chunksOf()), { code: 'invalid-argument' })
  }
  assert.equal(server.connections(), 0)
})

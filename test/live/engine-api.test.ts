// Every endpoint once against a real engine, benign outcomes included. Needs LIVE_ENGINE (unix://...) and a static
// busybox at /bin/busybox, of which it makes its own image; removes all it made.
// The steps are one life of a sandbox, in order.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import {
  createEngine,
  type Engine,
  type ExecSession,
  isEngineError,
  packTar,
  type TarEntry,
  type TarInput,
} from '../../engine-api/index.ts'
import { rootIdOf } from '../support/remapped.ts'
import { savedImage } from '../support/saved-image.ts'

const host = process.env['LIVE_ENGINE']
const skip = host === undefined ? 'LIVE_ENGINE is not set' : false

const mark = `engine-api-test-${randomBytes(4).toString('hex')}`
const subnets = `10.213.${randomBytes(1).readUInt8()}`
const label = { [mark]: 'yes' }
const filters = { label: [`${mark}=yes`] }
const image = { repository: mark, tag: 'latest' }
/** Podman's own defaults are more than some hosts allow. */
const ulimits = ['nofile', 'nproc'].map((Name) => ({ Name, Soft: 1024, Hard: 1024 }))
const owner = { uid: 1000, gid: 1000, mtimeMs: 1_700_000_000_000 }

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Makes one file of each kind that is easily lost; sizes tell them apart. */
const weirdScript = `set -e
cd /home/weird
printf 1 > "$(printf 'bad\\377')"
printf 22 > "$(printf 'bad\\376')"
printf 333 > "$(printf 'line\\nfeed')"
printf 4444 > ' blank '
printf 55555 > ${'n'.repeat(255)}
/bin/busybox mkdir -p ${`${'d'.repeat(200)}/`.repeat(3)}
printf 666666 > ${`${'d'.repeat(200)}/`.repeat(3)}deep
printf 7777777 > first
/bin/busybox ln first second
/bin/busybox ln -s "$(printf '../no\\377')" soft
/bin/busybox mkfifo pipe
/bin/busybox mkdir empty
`

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function textOf(session: ExecSession): Promise<string> {
  return Buffer.concat((await collected(session.output)).map(({ bytes }) => bytes)).toString()
}

/** Entries with their bodies read, since a body stands only until the next entry. */
async function readAll(
  entries: AsyncIterable<TarEntry>,
): Promise<{ name: string; type: string; uid: number; text: string }[]> {
  const all = []
  for await (const { name, type, uid, body } of entries) {
    all.push({ name: name.toString(), type, uid, text: Buffer.concat(await collected(body)).toString() })
  }
  return all
}

async function* rootFileSystem(): AsyncGenerator<TarInput> {
  const root = { uid: 0, gid: 0, mtimeMs: 0 }
  for (const name of ['bin', 'tmp', 'home', 'proc', 'dev', 'etc'])
    yield { name, type: 'directory', mode: 0o755, ...root }
  const busybox = await readFile('/bin/busybox')
  for (const name of ['bin/busybox', 'bin/sh', 'bin/ps'])
    yield { name, type: 'file', mode: 0o755, body: busybox, ...root }
  yield { name: 'etc/passwd', type: 'file', mode: 0o644, body: Buffer.from('root:x:0:0::/:/bin/sh\n'), ...root }
}

describe('engine-api on a real engine', { skip, timeout: 240_000 }, () => {
  let engine: Engine
  let id = ''
  let networkId = ''
  let imageId = ''

  before(async () => {
    engine = createEngine({ host: host ?? '' })
    imageId = await engine.images.import(image, packTar(rootFileSystem()))
    assert.match(imageId, /^(sha256:)?[0-9a-f]{64}$/)
  })

  after(async () => {
    for (const container of await engine.containers.list({ all: true, filters })) {
      await engine.containers.kill(container.Id)
      await engine.containers.stop(container.Id)
      await engine.containers.remove(container.Id)
    }
    for (const volume of await engine.volumes.list({ filters })) await engine.volumes.remove(volume.Name)
    for (const network of await engine.networks.list({ filters })) await engine.networks.remove(network.Id)
    await engine.images.remove(`${image.repository}:${image.tag}`)
    await engine.close()
  })

  test('system: ping and info', async () => {
    await engine.system.ping()
    const info = await engine.system.info()
    assert.ok(info.NCPU > 0 && info.MemTotal > 0 && info.ServerVersion !== '')
  })

  test('images: the imported one is found by name and in the list; an absent one is not-found', async () => {
    const found = await engine.images.inspect(`${image.repository}:${image.tag}`)
    assert.equal(found.Os, 'linux')
    const list = await engine.images.list({ filters: { reference: [`${image.repository}:${image.tag}`] } })
    assert.deepEqual(
      list.map(({ Id }) => Id),
      [found.Id],
    )
    await assert.rejects(engine.images.inspect(`${mark}-absent:one`), (error) => isEngineError(error, 'not-found'))
  })

  test('images: a second name, removal, and a load of what was removed; junk is refused', async () => {
    const second = `${mark}:second`
    await engine.images.tag(imageId, { repository: mark, tag: 'second' })
    assert.equal((await engine.images.inspect(second)).Id, (await engine.images.inspect(imageId)).Id)
    assert.equal(await engine.images.remove(second), 'removed')
    assert.equal(await engine.images.remove(second), 'already-gone')
    const [loaded = '', ...others] = await engine.images.load(savedImage(second, mark))
    assert.deepEqual(others, [])
    assert.ok(loaded.endsWith(second), loaded)
    assert.equal(await engine.images.remove(loaded), 'removed')
    const absent = engine.images.tag(`${mark}-absent`, { repository: mark, tag: 'x' })
    await assert.rejects(absent, (error) => isEngineError(error, 'not-found'))
    const junk = engine.images.load(chunksOf(Buffer.from('this is no archive')))
    await assert.rejects(junk, (error) => isEngineError(error, 'server-error'))
  })

  test('images: a pull that cannot work is an error, not a silent end', async () => {
    await assert.rejects(engine.images.pull('127.0.0.1:9/absent:one'), (error) => isEngineError(error, 'server-error'))
  })

  test('volumes: create, create again, inspect, list', async () => {
    const made = await engine.volumes.create({ Name: mark, Labels: label })
    assert.deepEqual(made.Labels, label)
    const again = await engine.volumes.create({ Name: mark, Labels: { other: 'label' } })
    assert.deepEqual(again.Labels, label, 'the engine gives the existing volume')
    assert.equal((await engine.volumes.inspect(mark)).Name, mark)
    assert.deepEqual(
      (await engine.volumes.list({ filters })).map(({ Name }) => Name),
      [mark],
    )
  })

  test('networks: create, a second of the same name is refused, inspect, list', async () => {
    const specification = {
      Name: mark,
      Driver: 'bridge',
      Labels: label,
      IPAM: { Config: [{ Subnet: `${subnets}.0/28` }] },
    } as const
    networkId = (await engine.networks.create(specification)).Id
    const other = { ...specification, IPAM: { Config: [{ Subnet: `${subnets}.16/28` }] } }
    await assert.rejects(engine.networks.create(other), (error) => isEngineError(error, 'conflict'))
    const found = await engine.networks.inspect(networkId)
    assert.equal(found.IPAM.Config?.[0]?.Subnet, `${subnets}.0/28`)
    assert.deepEqual(
      (await engine.networks.list({ filters })).map(({ Id }) => Id),
      [networkId],
    )
  })

  test('containers: create with a hardened body; a taken name is a conflict, an absent image not-found', async () => {
    const body = {
      Image: imageId,
      Cmd: ['/bin/sh', '-c', 'echo out; echo err >&2; trap "exit 7" TERM; while :; do /bin/busybox sleep 0.1; done'],
      User: '1000:1000',
      WorkingDir: '/home/student',
      Hostname: 'sandbox',
      Env: ['A=b'],
      Labels: label,
      StopTimeout: 5,
      HostConfig: {
        NetworkMode: mark,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        PidsLimit: 64,
        Memory: 64 * 1024 * 1024,
        MemorySwap: 64 * 1024 * 1024,
        NanoCpus: 500_000_000,
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': 'rw,nosuid,nodev,size=8m' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
        IpcMode: 'private',
        AutoRemove: false,
        Ulimits: ulimits,
        RestartPolicy: { Name: 'unless-stopped' },
        Mounts: [{ Type: 'volume', Source: mark, Target: '/home' }],
      },
      NetworkingConfig: { EndpointsConfig: { [mark]: {} } },
    } as const
    id = (await engine.containers.create({ name: mark, body })).Id
    await assert.rejects(engine.containers.create({ name: mark, body }), (error) => isEngineError(error, 'conflict'))
    const absent = { ...body, Image: `${mark}-absent:one` }
    await assert.rejects(engine.containers.create({ name: `${mark}-b`, body: absent }), (error) =>
      isEngineError(error, 'not-found'),
    )
  })

  test('archive: a workspace put before the start belongs to its user', async () => {
    const entries: TarInput[] = [
      { name: 'student', type: 'directory', mode: 0o755, ...owner },
      { name: 'student/hello.txt', type: 'file', mode: 0o644, body: Buffer.from('hello\n'), ...owner },
    ]
    await engine.containers.putArchive(id, '/home', packTar(entries))
    const stat = await engine.containers.stat(id, '/home/student')
    assert.deepEqual({ type: stat.type, mode: stat.mode }, { type: 'directory', mode: 0o755 })
  })

  test('containers: start, start again, inspect, list', async () => {
    assert.equal(await engine.containers.start(id), 'started')
    assert.equal(await engine.containers.start(id), 'already-running')
    const container = await engine.containers.inspect(id)
    assert.equal(container.Name, `/${mark}`)
    assert.equal(container.State.Running, true)
    assert.equal(container.HostConfig.RestartPolicy.Name, 'unless-stopped')
    assert.ok(container.NetworkSettings.Networks?.[mark]?.IPAddress?.startsWith(`${subnets}.`))
    assert.deepEqual(
      container.Mounts.map((mount) => [mount.Type, mount.Name, mount.Destination]),
      [['volume', mark, '/home']],
    )
    const [summary, ...others] = await engine.containers.list({ filters })
    assert.deepEqual(others, [])
    assert.deepEqual([summary?.Id, summary?.State, summary?.Names], [id, 'running', [`/${mark}`]])
    await assert.rejects(engine.containers.inspect(`${mark}-absent`), (error) => isEngineError(error, 'not-found'))
  })

  test('exec: both streams, the exit code, the output limit and the deadline', async () => {
    const limits = { timeoutMs: 30_000, maxOutputBytes: 1000 }
    const shell = (line: string): string[] => ['/bin/sh', '-c', line]
    const run = await engine.exec.run(id, { command: shell('id -u; echo bad >&2; exit 3'), ...limits })
    assert.deepEqual(
      { ...run, stdout: run.stdout.toString(), stderr: run.stderr.toString() },
      { exitCode: 3, stdout: '1000\n', stderr: 'bad\n', truncated: false },
    )
    const many = await engine.exec.run(id, { command: shell('yes | head -c 300000'), user: '0', ...limits })
    assert.deepEqual([many.exitCode, many.stdout.length, many.truncated], [0, 1000, true])
    await assert.rejects(
      engine.exec.run(id, { command: shell('sleep 3'), timeoutMs: 300, maxOutputBytes: 10 }),
      (error) => isEngineError(error, 'timeout') && error.endpoint === 'exec-run',
    )
    const missing = await engine.exec.run(id, { command: ['/absent'], ...limits })
    assert.ok(missing.exitCode === 126 || missing.exitCode === 127)
  })

  test('exec with input: half-close, a terminal of a size, abort', async () => {
    const sort = await engine.exec.open(id, { command: ['/bin/busybox', 'sort'] })
    await sort.write(Buffer.from('b\n'))
    await sort.write(Buffer.from('a\n'))
    await sort.endInput()
    assert.deepEqual([await textOf(sort), await sort.exitCode()], ['a\nb\n', 0])

    const shell = await engine.exec.open(id, { command: ['/bin/sh'], terminal: true })
    await shell.resize({ rows: 33, columns: 111 })
    await shell.write(Buffer.from('/bin/busybox stty size; exit 4\n'))
    assert.match(await textOf(shell), /33 111/)
    assert.equal(await shell.exitCode(), 4)

    const controller = new AbortController()
    const cat = await engine.exec.open(id, { command: ['/bin/busybox', 'cat'], signal: controller.signal })
    await cat.write(Buffer.from('x'))
    for await (const _piece of cat.output) break
    controller.abort()
    await assert.rejects(cat.exitCode(), (error) => isEngineError(error, 'aborted'))
  })

  test('exec with input: a process that ends before it took all of it', async (t) => {
    // Docker counts from 17.
    const isPodman = Number.parseInt((await engine.system.info()).ServerVersion, 10) < 17
    if (isPodman) return t.skip('Podman may lose the output of such a process')
    const head = await engine.exec.open(id, { command: ['/bin/busybox', 'head', '-c', '3'] })
    const writing = async (): Promise<void> => {
      for (;;) await head.write(Buffer.alloc(64 * 1024, 'x'))
    }
    const [text] = await Promise.all([
      textOf(head),
      assert.rejects(writing(), (error) => isEngineError(error, 'unreachable')),
    ])
    assert.deepEqual([text, await head.exitCode()], ['xxx', 0])
  })

  test('usage: processes, stats, changes and disk space of the running container', async () => {
    const { Titles, Processes } = await engine.containers.processes(id)
    assert.ok(Titles.length > 0 && Processes.every((texts) => texts.length === Titles.length))
    const stats = await engine.containers.stats(id)
    assert.ok(stats.cpu_stats.cpu_usage.total_usage > 0 && (stats.pids_stats.current ?? 0) > 0)
    assert.ok((stats.memory_stats.usage ?? 0) > 0 && stats.memory_stats.limit === 64 * 1024 * 1024)
    const changed = (await engine.containers.changes(id)).map(({ Path }) => Path)
    assert.ok(!changed.includes('/home/student/hello.txt'), 'files on volumes are no changes')
    const usage = await engine.system.diskUsage()
    assert.ok(usage.Containers?.some(({ Id }) => Id === id))
    assert.ok(usage.Volumes?.some(({ Name }) => Name === mark))
  })

  test('containers: pause and unpause are benign the second time, and a paused one takes no exec', async () => {
    assert.equal(await engine.containers.pause(id), 'paused')
    assert.equal(await engine.containers.pause(id), 'already-paused')
    await assert.rejects(engine.exec.open(id, { command: ['/bin/sh'] }), (error) => isEngineError(error, 'conflict'))
    assert.equal(await engine.containers.unpause(id), 'unpaused')
    assert.equal(await engine.containers.unpause(id), 'not-paused')
  })

  test('events: what happened so far, and what happens while it is watched', async () => {
    const now = String(Math.ceil(Date.now() / 1000))
    const past = await collected(engine.system.events({ since: '1', until: now, filters }))
    const actions = past.flatMap((item) => (item.kind === 'event' ? [item.event.Action] : []))
    for (const action of ['create', 'start', 'pause', 'unpause']) assert.ok(actions.includes(action), action)

    const seen: string[] = []
    for await (const item of engine.system.events({ filters: { ...filters, event: ['pause', 'unpause'] } })) {
      if (item.kind === 'gap') {
        seen.push('gap')
        await engine.containers.pause(id)
        await engine.containers.unpause(id)
        continue
      }
      assert.equal(item.event.Actor.ID, id)
      seen.push(item.event.Action)
      if (seen.length === 3) break
    }
    assert.deepEqual(seen, ['gap', 'pause', 'unpause'])
  })

  test('networks: connect and disconnect are benign the second time', async () => {
    const second = await engine.networks.create({
      Name: `${mark}-b`,
      Labels: label,
      IPAM: { Config: [{ Subnet: `${subnets}.32/28` }] },
    })
    assert.equal(await engine.networks.connect(second.Id, id), 'connected')
    assert.equal(await engine.networks.connect(second.Id, id), 'already-connected')
    await assert.rejects(engine.networks.remove(`${mark}-b`), (error) => isEngineError(error, 'conflict'))
    assert.deepEqual(Object.keys((await engine.networks.inspect(second.Id)).Containers ?? {}), [id])
    assert.equal(await engine.networks.disconnect(second.Id, id), 'disconnected')
    assert.equal(await engine.networks.disconnect(second.Id, id), 'not-connected')
    assert.equal(await engine.networks.remove(second.Id), 'removed')
    assert.equal(await engine.networks.remove(second.Id), 'already-gone')
    assert.equal(await engine.networks.disconnect(second.Id, id), 'not-connected')
  })

  test('containers: a running one is not removed; update, wait and stop end it', async () => {
    await assert.rejects(engine.containers.remove(id), (error) => isEngineError(error, 'conflict'))
    const updated = await engine.containers.update(id, { RestartPolicy: { Name: 'no' } })
    assert.ok(updated === 'updated' || updated === 'not-supported')
    const wait = await engine.containers.wait(id)
    const [stopped, exitCode] = await Promise.all([engine.containers.stop(id, { graceSeconds: 5 }), wait.exitCode()])
    assert.deepEqual([stopped, exitCode], ['stopped', 7])
    assert.equal(await engine.containers.stop(id), 'already-stopped')
    assert.equal(await engine.containers.kill(id), 'not-running')
    await assert.rejects(engine.exec.run(id, { command: ['/bin/sh'], timeoutMs: 1000, maxOutputBytes: 0 }), (error) =>
      isEngineError(error, 'conflict'),
    )
    await assert.rejects(engine.containers.pause(id), (error) => isEngineError(error, 'conflict'))
    await assert.rejects(engine.containers.processes(id), (error) => isEngineError(error, 'conflict'))
    assert.equal(await engine.containers.unpause(id), 'not-paused')
  })

  test('logs: both streams of the stopped container', async () => {
    const output = { stdout: '', stderr: '' }
    for await (const { stream, bytes } of engine.containers.logs(id)) output[stream] += bytes.toString()
    assert.deepEqual(output, { stdout: 'out\n', stderr: 'err\n' })
  })

  test('archive: the stopped container gives every entry, and an absent path is not-found', async () => {
    const uid = owner.uid + rootIdOf(await engine.system.info())
    assert.deepEqual(await readAll(engine.containers.archive(id, '/home/student')), [
      { name: 'student', type: 'directory', uid, text: '' },
      { name: 'student/hello.txt', type: 'file', uid, text: 'hello\n' },
    ])
    await assert.rejects(collected(engine.containers.archive(id, '/absent')), (error) =>
      isEngineError(error, 'not-found'),
    )
    await assert.rejects(engine.containers.stat(id, '/absent'), (error) => isEngineError(error, 'not-found'))
  })

  test('archive: names byte for byte, every type, and the whole root', async () => {
    const entries: TarInput[] = [
      { name: 'weird', type: 'directory', mode: 0o755, ...owner },
      { name: 'weird/run', type: 'file', mode: 0o755, body: Buffer.from(weirdScript), ...owner },
    ]
    await engine.containers.putArchive(id, '/home', packTar(entries))
    await engine.containers.start(id)
    const options = { command: ['/bin/sh', '/home/weird/run'], timeoutMs: 30_000, maxOutputBytes: 1000 }
    const { exitCode, stderr } = await engine.exec.run(id, options)
    assert.equal(exitCode, 0, stderr.toString())
    await engine.containers.stop(id, { graceSeconds: 5 })

    const seen = new Map<string, string>()
    for await (const { name, type, size, linkName } of engine.containers.archive(id, '/home/weird')) {
      seen.set(name.toString('latin1'), `${type} ${size} ${linkName.toString('latin1')}`)
    }
    const expected: [string, string][] = [
      ['weird/bad\xff', 'file 1 '],
      ['weird/bad\xfe', 'file 2 '],
      ['weird/line\nfeed', 'file 3 '],
      ['weird/ blank ', 'file 4 '],
      [`weird/${'n'.repeat(255)}`, 'file 5 '],
      [`weird/${`${'d'.repeat(200)}/`.repeat(3)}deep`, 'file 6 '],
      ['weird/soft', 'symbolic-link 0 ../no\xff'],
      ['weird/pipe', 'fifo 0 '],
      ['weird/empty', 'directory 0 '],
    ]
    for (const [name, entry] of expected) assert.equal(seen.get(name), entry, JSON.stringify(name))
    const pair = [seen.get('weird/first'), seen.get('weird/second')].sort()
    assert.ok(pair[0] === 'file 7 ' && /^hard-link 0 weird\/(first|second)$/.test(pair[1] ?? ''), pair.join())

    const stat = await engine.containers.stat(id, '/home/weird/first')
    assert.deepEqual([stat.type, stat.size], ['file', 7])
    const root = await readAll(engine.containers.archive(id, '/'))
    assert.ok(root.some(({ name }) => name.endsWith('bin/busybox')))
  })

  test('archive: leaving early frees the container for an inspection', async () => {
    for await (const { name } of engine.containers.archive(id, '/bin')) {
      if (name.toString() === 'bin/busybox') break
    }
    assert.equal((await engine.containers.inspect(id)).State.Running, false)
  })

  test('a next-exit wait armed before the start sees even the fastest exit', async () => {
    const name = `${mark}-fast`
    const body = { Image: imageId, Cmd: ['/bin/sh', '-c', 'exit 5'], Labels: label, HostConfig: { Ulimits: ulimits } }
    const fast = await engine.containers.create({ name, body })
    const wait = await engine.containers.wait(fast.Id, { condition: 'next-exit' })
    await engine.containers.start(fast.Id)
    assert.equal(await wait.exitCode(), 5)
  })

  test('containers, volumes and networks: removal is benign the second time, a volume in use is a conflict', async () => {
    await assert.rejects(engine.volumes.remove(mark), (error) => isEngineError(error, 'conflict'))
    assert.equal(await engine.containers.remove(id), 'removed')
    assert.equal(await engine.containers.remove(id), 'already-gone')
    assert.equal(await engine.volumes.remove(mark), 'removed')
    assert.equal(await engine.volumes.remove(mark), 'already-gone')
    assert.equal(await engine.networks.remove(networkId), 'removed')
    assert.equal(await engine.networks.remove(networkId), 'already-gone')
  })
})

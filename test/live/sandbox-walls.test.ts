// The walls of a sandbox, tried from inside: privileges, places to write, processes, memory. Beside the closed lab stands
// a loose one of the same image: where a wall was taken down it is seen to be down, so each of these tests can fail.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { catalogueOf, image } from '../support/catalogue.ts'
import { docker, inspect, shell, tryDocker } from '../support/docker.ts'
import { cleanUpOfSuite, problemOf, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

/** The lab image with a setuid ping, as many distributions have one; it can open a raw socket only with NET_RAW. */
const suidImage = `class-runtime-test-suid-${process.pid}:1`
const pids = 40
const memoryMb = 32
const loose = { writableRoot: true, capabilities: ['NET_RAW'] }

function catalogue() {
  const { labs } = catalogueOf({}, { image: suidImage, pids, memoryMb })
  const { shell: closed } = labs
  const inLab = (lab: string) => ({ subject: 'subject', lab, students: ['s01', 's02'] })
  return {
    labs: {
      closed: closed ?? {},
      loose: { ...closed, ...loose, pids: 2 * pids },
      elsewhere: { ...closed, runtime: 'sysbox-runc' },
    },
    subjects: { subject: { labs: ['closed', 'loose', 'elsewhere'] } },
    classes: { walls: inLab('closed'), loose: inLab('loose'), elsewhere: inLab('elsewhere') },
  }
}

const State = Type.Object({ State: Type.Object({ Running: Type.Boolean(), StartedAt: Type.String() }) })
/** The same before and after: it has run on all the while. */
async function lifeOf(container: string): Promise<string> {
  const { Running, StartedAt } = (await inspect('container', container, State)).State
  return `${Running ? 'running' : 'not running'} since ${StartedAt}`
}

const [mine, neighbour, loosened] = ['class-walls--s01', 'class-walls--s02', 'class-loose--s01']
const usualMounts = / (proc|tmpfs|sysfs|devpts|mqueue|cgroup2?|overlay)$/
/** Where users are remapped no device can be made: these are the host's own, the last two a `null` that hides what is below it. */
const remappedDevices =
  /^\/(dev\/(full|null|random|tty|urandom|zero)|proc\/(keys|latency_stats|timer_list|timer_stats|sched_debug)) devtmpfs$/
const linesOf = async (container: string, script: string) =>
  (await shell(container, script)).toString().split('\n').filter(Boolean).sort()

describe('the walls of a sandbox, from inside', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let site: Installation
  let service: Service

  before(async () => {
    // Last of all: an image whose container is still there would only lose its name.
    cleanUp.after(async () => void (await tryDocker(['rmi', suidImage])))
    site = await install(cleanUp, {
      name: 'walls',
      store: 'directory',
      subnets: '10.243.0.0/20',
      catalogue: catalogue(),
    })
    const maker = `maker-${process.pid}`
    // Images have homes of their own, that of the student's user id too.
    const script =
      'mkdir /suid && cp /bin/busybox /suid/ping && chmod 4755 /suid/ping && mkdir /home/node && chown 1000:1000 /home/node'
    await docker(['run', '--name', maker, '--label', site.testLabel, image, 'sh', '-c', script])
    await docker(['commit', '--change', 'CMD ["sh"]', maker, suidImage])
    service = await site.start()
    await upClass(service, 'walls')
    await upClass(service, 'loose')
  })

  const statusOf = async (container: string) => {
    const status = (await shell(container, 'cat /proc/self/status')).toString()
    return new Map([...status.matchAll(/^(\w+):\t(.*)$/gm)].map(([, name = '', value = '']) => [name, value]))
  }

  test('no capability, none to be gained, a filter of system calls, and a user who is not root', async () => {
    const status = await statusOf(mine)
    const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']
    assert.deepEqual(
      sets.map((set) => status.get(set)),
      sets.map(() => '0'.repeat(16)),
    )
    assert.deepEqual([status.get('NoNewPrivs'), status.get('Seccomp')], ['1', '2'])
    assert.match(status.get('Uid') ?? '', /^(2\d{4})\t\1\t\1\t\1$/)
    assert.equal(status.get('Gid'), status.get('Uid'))
    const loosenedStatus = await statusOf(loosened)
    const netRaw = (2n ** 13n).toString(16).padStart(16, '0')
    assert.deepEqual([loosenedStatus.get('CapBnd'), loosenedStatus.get('NoNewPrivs')], [netRaw, '0'])
    assert.equal(loosenedStatus.get('CapEff'), '0'.repeat(16))
    assert.match(loosenedStatus.get('Uid') ?? '', /^(2\d{4})\t\1\t\1\t\1$/)
  })

  test('each sandbox has a user of its own, so that what one uses up of a user’s limits is not missing in another class', async () => {
    const users = await Promise.all([mine, neighbour, loosened].map(async (each) => (await statusOf(each)).get('Uid')))
    assert.equal(new Set(users).size, 3, `${users}`)
    const many = 20
    const started = await linesOf(loosened, `for i in $(seq ${many}); do sleep 300 >/dev/null 2>&1 & echo $!; done`)
    try {
      assert.equal(started.length, many)
      // The kernel counts processes by user, whatever container they are in.
      assert.deepEqual(await linesOf(mine, `ulimit -u ${many}; sleep 0 && echo started`), ['started'])
    } finally {
      await shell(loosened, `kill ${started.join(' ')}`)
    }
  })

  test('a program that carries a capability gets it only where the lab names it', async () => {
    const ping = ['/suid/ping', '-c', '1', '-W', '1', '127.0.0.1']
    const refused = await tryDocker(['exec', mine, ...ping])
    assert.match(refused.stderr, /permission denied/)
    assert.match((await docker(['exec', loosened, ...ping])).toString(), /1 packets received/)
  })

  test('nothing can be written but the workspace and memory', async () => {
    // Tried, since a mode alone says nothing of a mount that is read-only.
    const writable = `find / -path /proc -prune -o -type d -print 2>/dev/null | while read -r each; do
      { true >"$each/probe"; } 2>/dev/null && rm "$each/probe" && echo "$each" || true; done`
    const places = ['/dev/mqueue', '/dev/shm', '/home/student', '/tmp']
    assert.deepEqual(await linesOf(mine, writable), places)
    const { stderr } = await tryDocker(['exec', '--user', '0', mine, 'touch', '/etc/file'])
    assert.match(stderr, /Read-only file system/)
    // A root that is writable is still root's: the student writes where the image gives them a place.
    await docker(['exec', '--user', '0', loosened, 'touch', '/etc/file'])
    const kernel = `find /proc/sys /sys -type f 2>/dev/null | while read -r each; do
      { true >>"$each"; } 2>/dev/null && echo "$each" || true; done`
    assert.deepEqual(await linesOf(mine, kernel), [])
    assert.deepEqual(await linesOf(loosened, kernel), [])
  })

  test('it holds no socket, no disk and no folder of the host', async () => {
    assert.deepEqual(
      await linesOf(mine, 'find / -path /proc -prune -o -type s -print -o -type b -print 2>/dev/null'),
      [],
    )
    const mounts = await linesOf(mine, `awk '{ print $2 " " $3 }' /proc/mounts`)
    const ofHost = mounts.filter((each) => !usualMounts.test(each) && !remappedDevices.test(each))
    const named = ofHost.map((each) => each.split(' ')[0])
    assert.deepEqual(named.sort(), ['/etc/hostname', '/etc/hosts', '/etc/resolv.conf', '/home', '/sbin/docker-init'])
  })

  test('a fork bomb ends at the limit of processes, and the others go on', async () => {
    const before = await lifeOf(neighbour)
    // One file for either version of control groups.
    const refusals = 'cat /sys/fs/cgroup/pids/pids.events /sys/fs/cgroup/pids.events 2>/dev/null || true'
    const bomb = 'bomb() { bomb & bomb & sleep 1000; }; bomb'
    await docker(['exec', '--detach', mine, 'sh', '-c', bomb])
    await until('the limit', async () =>
      /^max [1-9]/m.test((await tryDocker(['exec', mine, 'sh', '-c', refusals])).stdout.toString()),
    )
    const count = await docker(['stats', '--no-stream', '--format', '{{.PIDs}}', mine])
    assert.ok(Number(count) <= pids)
    // Where the limit is higher, more can start. Not by a bomb: most of its processes end at once where one cannot fork.
    const more = pids + 10
    const sleepers = `for i in $(seq ${more}); do sleep 300 >/dev/null 2>&1 & echo $!; done`
    assert.equal((await linesOf(loosened, sleepers)).length, more)
    assert.equal((await shell(neighbour, 'echo goes on | cat')).toString(), 'goes on\n')
    assert.deepEqual(await lifeOf(neighbour), before)
    for (const container of [mine, loosened]) await docker(['restart', '--time', '0', container])
  })

  test('a memory bomb is killed alone: its sandbox and the others go on', async () => {
    const before = [await lifeOf(mine), await lifeOf(neighbour)]
    assert.equal((await tryDocker(['exec', mine, 'tail', '/dev/zero'])).exitCode, 137)
    assert.deepEqual([await lifeOf(mine), await lifeOf(neighbour)], before)
    assert.equal((await shell(mine, 'echo goes on')).toString(), 'goes on\n')
    // What is put into /tmp and /dev/shm is memory of the same account.
    const fill = await tryDocker(['exec', mine, 'sh', '-c', 'cat /dev/zero >/tmp/fill'])
    assert.match(fill.stderr, /No space left/)
    assert.equal((await tryDocker(['exec', mine, 'sh', '-c', 'cat /dev/zero >/dev/shm/fill'])).exitCode, 137)
    assert.deepEqual([await lifeOf(mine), await lifeOf(neighbour)], before)
  })

  test('a lab whose runtime the engine lacks is refused before anything is made', async () => {
    const answer = await service.post('/room/up-class', { classId: 'elsewhere' })
    assert.match(problemOf(answer, [409, 'lab-runtime-missing']).detail, /sysbox-runc/)
  })
})

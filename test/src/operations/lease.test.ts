// Two processes and one class: who may work, what a dead holder leaves, what a holder learns who is taken for dead.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Leases, type LeaseTimes } from '../../../src/operations/lease.ts'
import { Problem } from '../../../src/problems.ts'
import { StoreError } from '../../../src/store/port.ts'
import { classId, openClass } from '../../support/memory-class.ts'
import { createMemoryStore, hookedStore } from '../../support/memory-store.ts'

const never = new AbortController().signal

/** Beyond the largest number that Linux gives. */
const gonePid = 2 ** 22 + 1

/** What a lease of another process of this machine says, but for its number. */
const processHere = async () => ({
  process: 'another',
  host: hostname(),
  bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  pidNamespace: await readlink('/proc/self/ns/pid'),
  beat: 0,
})

async function open(t: TestContext, times?: LeaseTimes) {
  const ofClass = await openClass(t)
  const leases = new Leases(ofClass.store, times)
  const path = join(ofClass.folder, classId, 'lease.json')
  // A lease's own timer keeps no process alive, and some of these tests wait for nothing else: this does, for long enough.
  const alive = setTimeout(() => {}, 10_000)
  t.after(() => clearTimeout(alive))
  const holder = { ...(await processHere()), pid: process.ppid }
  return {
    ...ofClass,
    ofClass,
    path,
    /** Another process's lease, as that process would write it. */
    async heldByAnother(change: object = {}) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, JSON.stringify({ ...holder, ...change }))
    },
    hold: (work = async (_: AbortSignal) => 'done') => leases.hold(classId, never, work),
    clear: () => leases.clear(classId),
  }
}

const isBusy = (error: unknown): boolean => error instanceof Problem && error.code === 'operation-in-progress'

test('the lease is there while the work goes on, and gone after it, also after work that failed', async (t) => {
  const { hold, path } = await open(t)
  const holder = await hold(() => readFile(path, 'utf8'))
  assert.equal(JSON.parse(holder).pid, process.pid)
  await assert.rejects(readFile(path), { code: 'ENOENT' })
  await assert.rejects(
    hold(() => Promise.reject(new Error('work failed'))),
    /work failed/,
  )
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

test('a class that a living process works on is refused, and its lease stays', async (t) => {
  const { hold, heldByAnother, path } = await open(t)
  await heldByAnother()
  const before = await readFile(path, 'utf8')
  await assert.rejects(hold(), isBusy)
  assert.equal(await readFile(path, 'utf8'), before)
})

test('the lease of a process of this machine that is gone is taken over at once', async (t) => {
  const { hold, heldByAnother } = await open(t)
  await heldByAnother({ pid: gonePid })
  assert.equal(await hold(), 'done')
  await heldByAnother({ pid: process.pid })
  assert.equal(await hold(), 'done', 'an earlier process of the same number, as in a restarted container')
})

test('a killed process that nobody reaped holds no lease', async (t) => {
  const { hold, clear, heldByAnother } = await open(t)
  // The shell becomes a program that never waits for its child, which ends when it is told to.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(async () => {
    parent.kill('SIGKILL')
    if (parent.exitCode === null && parent.signalCode === null) await once(parent, 'exit')
  })
  const pid = Number(String(await once(parent.stdout, 'data')))
  const state = async () => /\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, 'latin1'))?.[1]
  await heldByAnother({ pid })
  while ((await readFile(`/proc/${parent.pid}/cmdline`, 'latin1')) !== 'sleep\u000060\0')
    await new Promise(setImmediate)
  process.kill(pid, 'SIGKILL')
  while ((await state()) !== 'Z') await new Promise(setImmediate)
  assert.equal(await clear(), true)
  await heldByAnother({ pid })
  assert.equal(await hold(), 'done')
})

test('a number that was given to another process since is not the holder; one without a start is, as it always was', async (t) => {
  const { hold, clear, heldByAnother, path } = await open(t)
  const stat = await readFile(`/proc/${process.ppid}/stat`, 'latin1')
  const startTime = stat.slice(stat.lastIndexOf(')')).split(' ')[20]
  await heldByAnother({ startTime })
  await assert.rejects(hold(), isBusy)
  assert.equal(await clear(), false)
  await heldByAnother({ startTime: '1' })
  assert.equal(await hold(), 'done')
  await heldByAnother()
  await assert.rejects(hold(), isBusy)
  await rm(path)
  const own = await readFile('/proc/self/stat', 'latin1')
  const written = JSON.parse(await hold(() => readFile(path, 'utf8')))
  assert.equal(written.startTime, own.slice(own.lastIndexOf(')')).split(' ')[20])
})

test('a machine of the same name and pid namespace is another one unless it says the same boot id', async (t) => {
  const { hold, clear, heldByAnother } = await open(t)
  for (const bootId of ['00000000-0000-4000-8000-000000000000', undefined]) {
    await heldByAnother({ pid: gonePid, bootId })
    await assert.rejects(hold(), isBusy)
    assert.equal(await clear(), false)
  }
})

test('a process elsewhere is dead once its lease has not changed for long enough, by the clock of who watches', async (t) => {
  const { hold, heldByAnother } = await open(t, { renewMs: 60_000, deadAfterMs: 0 })
  await heldByAnother({ host: 'elsewhere', pid: 1 })
  await assert.rejects(hold(), isBusy)
  await heldByAnother({ host: 'elsewhere', pid: 1, beat: 1 })
  await assert.rejects(hold(), isBusy, 'it was renewed meanwhile')
  assert.equal(await hold(), 'done')
})

test('what cannot be read as a lease counts as that of a process elsewhere', async (t) => {
  const { hold, heldByAnother, path } = await open(t, { renewMs: 60_000, deadAfterMs: 0 })
  await heldByAnother()
  await writeFile(path, '{')
  await assert.rejects(hold(), isBusy)
  assert.equal(await hold(), 'done')
})

test('a holder who lost the lease is told, and leaves the other’s alone', async (t) => {
  const { hold, heldByAnother, path } = await open(t, { renewMs: 1, deadAfterMs: 60_000 })
  await hold(async (signal) => {
    await heldByAnother()
    if (!signal.aborted) await once(signal, 'abort')
    return 'done'
  })
  assert.equal(JSON.parse(await readFile(path, 'utf8')).process, 'another')
})

test('a holder renews: who watches sees it change', async (t) => {
  const { hold, path } = await open(t, { renewMs: 1, deadAfterMs: 60_000 })
  await hold(async () => {
    const first = await readFile(path, 'utf8')
    while ((await readFile(path, 'utf8').catch(() => first)) === first) await new Promise(setImmediate)
    return 'done'
  })
})

test('a renewal that is under way when the work ends is over before the lease is removed', async (t) => {
  const { hold, ofClass, path } = await open(t, { renewMs: 1, deadAfterMs: 60_000 })
  const calls: string[] = []
  let letRenewalEnd = () => {}
  const renewing = new Promise<void>((begun) => {
    ofClass.storeHooks = {
      before(method) {
        if (method === 'remove') calls.push(method)
        if (method !== 'put' || calls.length === 0) return undefined
        begun()
        return new Promise((resolve) => {
          letRenewalEnd = resolve
        })
      },
      after(method) {
        if (method === 'put') calls.push(method)
      },
    }
  })
  const held = hold(async () => {
    await renewing
    return 'done'
  })
  await renewing
  await new Promise(setImmediate)
  letRenewalEnd()
  assert.equal(await held, 'done')
  assert.deepEqual(calls, ['put', 'put', 'remove'])
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

test('a store that does not answer is met by the work itself, not by the lease', async (t) => {
  const { hold, ofClass } = await open(t)
  ofClass.storeHooks = {
    before: () => {
      throw new StoreError('unreachable', 'The store does not answer.')
    },
  }
  assert.equal(await hold(), 'done')
})

test('a lease whose holder is dead is removed; a living one stays, and what nobody left is no trouble', async (t) => {
  const { clear, heldByAnother, path } = await open(t)
  assert.equal(await clear(), true)
  await heldByAnother()
  const living = await readFile(path, 'utf8')
  assert.equal(await clear(), false)
  assert.equal(await readFile(path, 'utf8'), living)
  await heldByAnother({ host: 'elsewhere' })
  assert.equal(await clear(), false, 'nobody knows yet whether it still changes')
  await heldByAnother({ pid: gonePid })
  assert.equal(await clear(), true)
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

test('a lease of a process elsewhere is removed once it has not changed for long enough', async (t) => {
  const { clear, heldByAnother, path } = await open(t, { renewMs: 60_000, deadAfterMs: 0 })
  await heldByAnother({ host: 'elsewhere' })
  assert.equal(await clear(), false)
  await heldByAnother({ host: 'elsewhere', beat: 1 })
  assert.equal(await clear(), false, 'it was renewed meanwhile')
  assert.equal(await clear(), true)
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

test('what this process holds is not removed; what it could not give back is', async (t) => {
  const { hold, clear, ofClass, path } = await open(t)
  await hold(async () => {
    assert.equal(await clear(), false)
    await readFile(path)
    ofClass.storeHooks = {
      before: () => {
        throw new StoreError('unreachable', 'The store does not answer.')
      },
    }
    return 'done'
  })
  ofClass.storeHooks = {}
  await readFile(path)
  assert.equal(await clear(), true)
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

test('who begins while a dead lease is being removed waits for that', async () => {
  const memory = createMemoryStore()
  const dead = { ...(await processHere()), pid: gonePid }
  memory.objects.set(`${classId}/lease.json`, Buffer.from(JSON.stringify(dead)))
  const calls: string[] = []
  let removeNow = () => {}
  const removal = new Promise<void>((resolve) => {
    removeNow = resolve
  })
  const leases = new Leases(
    hookedStore(memory, {
      before: (method) => (method === 'remove' && calls.length === 1 ? removal : undefined),
      after: (method) => void calls.push(method),
    }),
  )
  const cleared = leases.clear(classId)
  const held = leases.hold(classId, never, async () => 'done')
  // Far more than it takes to begin.
  for (let turn = 0; turn < 20; turn++) await readlink('/proc/self/ns/pid')
  removeNow()
  assert.deepEqual([await cleared, await held], [true, 'done'])
  assert.deepEqual(calls, ['read', 'remove', 'put', 'remove'])
})

test('a lease that another hand removed is there again after the next renewal', async (t) => {
  const { hold, path } = await open(t, { renewMs: 1, deadAfterMs: 60_000 })
  await hold(async (signal) => {
    await rm(path)
    while ((await readFile(path).catch(() => undefined)) === undefined) await new Promise(setImmediate)
    assert.equal(signal.aborted, false)
    return 'done'
  })
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

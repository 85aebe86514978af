// One process at a time works on a class: the lease is an object beside the class's sessions in the store.
// It keeps two processes out of each other's way and is no fence: what protects work is that bags are committed once and
// that containers are removed only as they were collected. So a store that cannot be asked lets the work begin; it will
// meet that store itself.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setInterval } from 'node:timers'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { classPrefix, foldId } from '../names.ts'
import { Problem } from '../problems.ts'
import { digestOf } from '../store/content.ts'
import { parseJson } from '../store/json.ts'
import { findText, type Store, StoreError } from '../store/port.ts'

const Holder = Type.Object({
  /** One life of a process. */
  process: Type.String(),
  host: Type.String(),
  /** One life of one kernel: names of hosts repeat, and so does the number of the first pid namespace. Absent: unknown. */
  bootId: Type.Optional(Type.String()),
  /** Numbers of processes mean something only within it. */
  pidNamespace: Type.String(),
  pid: Type.Integer(),
  /** When that process began, as its kernel counts: numbers are given again. Absent: unknown. */
  startTime: Type.Optional(Type.String()),
  /** Counts renewals. */
  beat: Type.Integer(),
})
type Holder = Static<typeof Holder>
const checker = TypeCompiler.Compile(Holder)

/** A holder elsewhere that has not renewed for `deadAfterMs`, by the clock of who watches, is taken for dead. */
export interface LeaseTimes {
  readonly renewMs: number
  readonly deadAfterMs: number
}

export class Leases {
  readonly #store: Store
  readonly #times: LeaseTimes
  readonly #process = randomUUID()
  /** What was read of other holders, and since when it reads the same. */
  readonly #watched = new Map<string, { readonly text: string; readonly since: number }>()
  /** What this process holds, or is about to hold. */
  readonly #held = new Set<string>()
  /** Looks at what may be dead; a hold of the same lease waits for the end. */
  readonly #clearing = new Map<string, Promise<boolean>>()

  constructor(store: Store, times: LeaseTimes = { renewMs: 5_000, deadAfterMs: 20_000 }) {
    this.#store = store
    this.#times = times
  }

  /**
   * Runs `work` while no other process works on this class. Its signal fires with `signal`, or when the lease is lost.
   * Rejects with Problem 'operation-in-progress' where another process holds the lease.
   */
  async hold<T>(classId: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const key = keyOf(classId)
    this.#held.add(key)
    try {
      await this.#clearing.get(key)?.catch(() => undefined)
      return await this.#holdKey(key, classId, signal, work)
    } finally {
      this.#held.delete(key)
    }
  }

  /** Removes a lease that nobody holds any more, by the rules of taking it over. Says whether there is none left. */
  async clear(classId: string): Promise<boolean> {
    const key = keyOf(classId)
    if (this.#held.has(key)) return false
    const clearing = this.#clearKey(key)
    this.#clearing.set(key, clearing)
    try {
      return await clearing
    } finally {
      this.#clearing.delete(key)
    }
  }

  async #clearKey(key: string): Promise<boolean> {
    const text = await findText(this.#store, key)
    if (text === undefined) return true
    if (!this.#isFree(key, text, await this.#describe())) return false
    await this.#store.remove(key)
    return true
  }

  async #holdKey<T>(
    key: string,
    classId: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const holder = await this.#describe()
    const held = await this.#acquire(classId, key, holder).catch((error: unknown) => {
      if (error instanceof StoreError) return false
      throw error
    })
    if (!held) return await work(signal)
    const lost = new AbortController()
    let renewing: Promise<void> | undefined
    const timer = setInterval(() => {
      holder.beat++
      renewing ??= this.#renew(key, holder)
        .then(
          (ours) => ours || lost.abort(new Error('another process took over')),
          // A store that is away: the work itself finds out.
          () => undefined,
        )
        .then(() => {
          renewing = undefined
        })
    }, this.#times.renewMs).unref()
    try {
      return await work(AbortSignal.any([signal, lost.signal]))
    } finally {
      clearInterval(timer)
      // It would bring the lease back after the removal, or write over that of the next holder.
      await renewing
      // What stays is this process's own, and in nobody's way for longer than a crash would be.
      if (!lost.signal.aborted) await this.#store.remove(key).catch(() => undefined)
    }
  }

  async #describe(): Promise<Holder> {
    const pidNamespace = await readlink('/proc/self/ns/pid').catch(() => '')
    const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined)
    const kernel = bootId === undefined ? {} : { bootId: bootId.trim() }
    const { startTime } = processFacts('self') ?? {}
    const began = startTime === undefined ? {} : { startTime }
    return { process: this.#process, host: hostname(), ...kernel, pidNamespace, pid: process.pid, ...began, beat: 0 }
  }

  async #acquire(classId: string, key: string, holder: Holder): Promise<true> {
    const bytes = toBytes(holder)
    if ((await this.#store.put(key, digestOf(bytes), bytes, { ifAbsent: true })) === 'stored') return true
    const text = await findText(this.#store, key)
    if (text !== undefined && !this.#isFree(key, text, holder)) {
      throw new Problem(
        'operation-in-progress',
        `Another process of this service is at work on class '${classId}'. Repeat the call in a moment.`,
      )
    }
    await this.#store.put(key, digestOf(bytes), bytes)
    return true
  }

  /** Whether a lease that reads so is this process's own, or that of a dead one. */
  #isFree(key: string, text: string, me: Holder): boolean {
    const found = parse(text)
    if (found?.process === me.process) return true
    if (found && sharesProcesses(found, me) && !isAlive(found)) return true
    const watched = this.#watched.get(key)
    if (watched?.text === text) return performance.now() - watched.since > this.#times.deadAfterMs
    this.#watched.set(key, { text, since: performance.now() })
    return false
  }

  async #renew(key: string, holder: Holder): Promise<boolean> {
    const bytes = toBytes(holder)
    const text = await findText(this.#store, key)
    // Another process removed it, which took it for that of a dead one: it may have been one a moment ago.
    if (text === undefined) return (await this.#store.put(key, digestOf(bytes), bytes, { ifAbsent: true })) === 'stored'
    if (parse(text)?.process !== holder.process) return false
    await this.#store.put(key, digestOf(bytes), bytes)
    return true
  }
}

/** One lease, however the class is written. */
const keyOf = (classId: string): string => `${classPrefix(foldId(classId))}lease.json`

const toBytes = (holder: Holder): Uint8Array => Buffer.from(`${JSON.stringify(holder)}\n`)

function parse(text: string): Holder | undefined {
  const value = parseJson(text)
  return checker.Check(value) ? value : undefined
}

/** Whether a number of a process means the same to both. */
const sharesProcesses = (found: Holder, me: Holder): boolean =>
  found.bootId !== undefined &&
  found.bootId === me.bootId &&
  found.host === me.host &&
  found.pidNamespace === me.pidNamespace

/** A number equal to ours is of an earlier life of this container. */
function isAlive({ pid, startTime }: Holder): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  const facts = processFacts(pid)
  // Another user's process may be hidden from us: it is there all the same.
  if (facts === undefined) return true
  // Where nobody reaps, as in a container without an init, a killed process keeps its number for ever.
  if (facts.state === 'Z' || facts.state === 'X') return false
  return startTime === undefined || startTime === facts.startTime
}

/** State and start of a process of this machine; undefined where the kernel does not tell. */
function processFacts(pid: number | 'self'): { readonly state: string; readonly startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // A program's name, in brackets, may hold brackets and blanks; the fields after it are numbered from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTime] = [fields[0], fields[22 - 3]]
    return state === undefined || startTime === undefined ? undefined : { state, startTime }
  } catch {
    return undefined
  }
}

// What the service counts of itself, as Prometheus text (format 0.0.4). Written by hand: it is a list of lines.
// No label ever holds the id of a class, a session or a student, so that the number of series stays small and
// whoever may scrape learns of nobody.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { OperationView } from './operations/operations.ts'
import type { HeldSession } from './runtime/held.ts'
import type { NodeState } from './runtime/port.ts'

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = Readonly<Record<string, string>>

/** One metric: its name, what it says, and a value for each set of labels. */
class Metric {
  readonly #head: string
  readonly #name: string
  readonly #values = new Map<string, number>()

  constructor(type: 'counter' | 'gauge', name: string, help: string) {
    this.#name = name
    this.#head = headOf(name, type, help)
  }

  add(by: number, labels: Labels = {}): void {
    const key = keyOf(labels)
    this.#values.set(key, (this.#values.get(key) ?? 0) + by)
  }

  set(value: number, labels: Labels = {}): void {
    this.#values.set(keyOf(labels), value)
  }

  clear(): void {
    this.#values.clear()
  }

  text(): string {
    return this.#head + [...this.#values].map(([key, value]) => `${this.#name}${key} ${value}\n`).join('')
  }
}

/** From a class of one to a full one on a busy host, whose down collects for many minutes. */
const upToSeconds = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800]

class Durations {
  readonly #head: string
  readonly #name: string
  readonly #byAction = new Map<string, { readonly buckets: number[]; sum: number; count: number }>()

  constructor(name: string, help: string) {
    this.#name = name
    this.#head = headOf(name, 'histogram', help)
  }

  observe(action: string, seconds: number): void {
    const seen = this.#byAction.get(action) ?? { buckets: upToSeconds.map(() => 0), sum: 0, count: 0 }
    this.#byAction.set(action, seen)
    for (const [index, limit] of upToSeconds.entries())
      if (seconds <= limit) seen.buckets[index] = (seen.buckets[index] ?? 0) + 1
    seen.sum += seconds
    seen.count++
  }

  text(): string {
    const lines = [...this.#byAction].map(([action, { buckets, sum, count }]) => {
      const bucket = (le: string, value: number) => `${this.#name}_bucket${keyOf({ action, le })} ${value}\n`
      const finite = upToSeconds.map((limit, index) => bucket(String(limit), buckets[index] ?? 0)).join('')
      const labels = keyOf({ action })
      return `${finite}${bucket('+Inf', count)}${this.#name}_sum${labels} ${sum}\n${this.#name}_count${labels} ${count}\n`
    })
    return this.#head + lines.join('')
  }
}

const headOf = (name: string, type: string, help: string): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

function keyOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const lagResolutionMs = 20

export class Metrics {
  readonly #operations = new Metric(
    'counter',
    'class_runtime_operations_total',
    'Operations that ended: succeeded, or the code of the problem.',
  )
  readonly #durations = new Durations('class_runtime_operation_duration_seconds', 'How long operations took.')
  readonly #running = new Metric('gauge', 'class_runtime_operations_running', 'Operations that run now.')
  readonly #students = new Metric(
    'counter',
    'class_runtime_students_total',
    'Students by what an operation that ended says of them; one who is kept counts at each attempt.',
  )
  readonly #files = new Metric(
    'counter',
    'class_runtime_collected_files_total',
    'Files of students that collections stored, or found stored already.',
  )
  readonly #bytes = new Metric('counter', 'class_runtime_collected_bytes_total', 'Bytes of these files.')
  readonly #sessions = new Metric(
    'gauge',
    'class_runtime_sessions',
    'Sessions that the engine held at the last look of the sweep.',
  )
  readonly #sandboxes = new Metric(
    'gauge',
    'class_runtime_sandboxes',
    'Sandboxes that the engine held then; missing: a volume without its container.',
  )
  readonly #nodes = new Metric(
    'gauge',
    'class_runtime_nodes',
    'Nodes of the Swarm then, by what the manager says of them and whether they could be asked. Absent on one host.',
  )
  readonly #surveyed = new Metric('gauge', 'class_runtime_survey_timestamp_seconds', 'When that was.')
  readonly #reachable = new Metric(
    'gauge',
    'class_runtime_reachable',
    'Whether engine, store and Traefik could be used: engine and store when /readyz was last asked, Traefik now.',
  )
  readonly #polled = new Metric(
    'gauge',
    'class_runtime_traefik_poll_timestamp_seconds',
    'When Traefik last got its routes; 0: not since the start. Absent where no Traefik is set up.',
  )
  readonly #requests = new Metric(
    'counter',
    'class_runtime_http_requests_total',
    'Answered requests; route none: no call has such a path.',
  )
  readonly #memory = new Metric('gauge', 'process_resident_memory_bytes', 'Resident memory.')
  readonly #cpu = new Metric('counter', 'process_cpu_seconds_total', 'User and system time.')
  readonly #started = new Metric('gauge', 'process_start_time_seconds', 'When the process began.')
  readonly #lagP99 = new Metric(
    'gauge',
    'nodejs_eventloop_lag_p99_seconds',
    'Delay of the event loop since the last scrape, 99th percentile.',
  )
  readonly #lagMax = new Metric('gauge', 'nodejs_eventloop_lag_max_seconds', 'The longest of these delays.')
  readonly #lag = monitorEventLoopDelay({ resolution: lagResolutionMs })

  constructor() {
    this.#lag.enable()
    this.#started.set(performance.timeOrigin / 1000)
  }

  operationEnded({ kind, problem, result, startedAt, endedAt, progress }: OperationView): void {
    const action = kind
    this.#operations.add(1, { action, outcome: problem?.code ?? 'succeeded' })
    if (endedAt !== null) this.#durations.observe(action, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000)
    this.#files.add(progress.files.done)
    this.#bytes.add(progress.bytes.done)
    const answer = problem ?? result
    // Taken down again, a class that is down gets its earlier answer, and nothing was done.
    if (progress.students.total === 0 || !tellsStudents.Check(answer)) return
    for (const { state } of answer.students) this.#students.add(1, { action, state })
  }

  surveyed(sessions: readonly HeldSession[]): void {
    this.#sessions.set(sessions.length)
    this.#sandboxes.clear()
    this.#sandboxes.set(0, { state: 'running' })
    for (const { state } of sessions.flatMap(({ sandboxes }) => sandboxes)) {
      this.#sandboxes.add(1, { state })
    }
    this.#surveyed.set(Date.now() / 1000)
  }

  nodesSeen(nodes: readonly Pick<NodeState, 'state' | 'fault'>[]): void {
    this.#nodes.clear()
    for (const { state, fault } of nodes) this.#nodes.add(1, { state, reachable: String(fault === undefined) })
  }

  checked(part: 'engine' | 'store' | 'traefik', usable: boolean): void {
    this.#reachable.set(usable ? 1 : 0, { part })
  }

  /** Unix milliseconds; undefined: not since the start. */
  traefikPolled(at: number | undefined): void {
    this.#polled.set((at ?? 0) / 1000)
  }

  /** `route` is the path's template; undefined: there is none. */
  answered(method: string, route: string | undefined, status: number): void {
    this.#requests.add(1, { method, route: route ?? 'none', status: String(status) })
  }

  text(runningOperations: number): string {
    this.#running.set(runningOperations)
    this.#memory.set(process.memoryUsage.rss())
    const { user, system } = process.cpuUsage()
    this.#cpu.set((user + system) / 1e6)
    this.#lagP99.set(lagSeconds(this.#lag.percentile(99)))
    this.#lagMax.set(lagSeconds(this.#lag.max))
    this.#lag.reset()
    return [
      ...[this.#operations, this.#durations, this.#running, this.#students, this.#files, this.#bytes],
      ...[this.#sessions, this.#sandboxes, this.#nodes, this.#surveyed, this.#reachable, this.#polled, this.#requests],
      ...[this.#memory, this.#cpu, this.#started, this.#lagP99, this.#lagMax],
    ]
      .map((metric) => metric.text())
      .join('')
  }
}

const tellsStudents = TypeCompiler.Compile(Type.Object({ students: Type.Array(Type.Object({ state: Type.String() })) }))

/** What is measured, in nanoseconds, holds the interval of the measuring timer itself. */
const lagSeconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - lagResolutionMs / 1000)

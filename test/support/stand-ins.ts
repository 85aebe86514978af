// Takes the machine and the moment out of what was recorded: ids, times, sizes and paths become stand-ins that are the same
// in every recording. What the engine means stays untouched, and equal values stay equal.
// Bodies of bytes (frames, archives) are kept as they came, so scenarios must put no times into them.
// Each kind of value that differs from run to run has its own rule; the rules apply in one order.

import type { WireMessage } from './http-wire.ts'
import { headerOf } from './http-wire.ts'
import {
  type Exchange,
  isRead,
  isText,
  type RecordedRequest,
  type RecordedResponse,
  uploadDigest,
} from './recording.ts'
import type { RawExchange } from './recording-proxy.ts'
import { withSteadyTimes } from './tar-times.ts'

/** The label of everything that a recording makes on an engine. */
export const fixtureLabel = 'class-runtime.fixture'
/** INSTALLATION_ID of the recorded classes. */
export const fixtureInstallation = 'class-runtime-fixture'

const sessionId = /\d{8}t\d{9}z-[0-9a-f]{4}/g
const anyTime = /\b(?!0001-)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g
const longId = /\b[0-9a-f]{64}\b/g
/** Of what a Swarm names: nodes, overlay networks, tasks. */
const swarmId = /\b(?=[a-z]*\d)[0-9a-z]{25}\b/g
/** The first 12 digits of a long id (11 in a host name of Podman), as a host name, in an alias or in a path. */
const shortId = /(?<=["/= ])[0-9a-f]{11,12}(?=[" ])/g

/** A container's own address; engines give the next free one. */
const address = /(?<="(?:IPAddress|IPv4Address)":")\d+\.\d+\.\d+\.\d+/g

/** A hash that the service makes of the lab and of the image's id, and so another one over a stand-in's id. */
const labHash = /(?<="class-runtime\.spec":")[0-9a-f]{32}/g
const labHashStandIn = '0'.repeat(32)

/** Which store a class is collected into. */
const storeRules: readonly (readonly [pattern: RegExp, standIn: string])[] = [
  [/(?<="class-runtime\.store":")[0-9a-f-]{36}/g, '00000000-0000-4000-8000-000000000000'],
  [/(?<="class-runtime\.store-name":")[^"]*/g, '/artifacts'],
]

/** Stand-ins by the order of appearance. */
class Numbered {
  readonly #known = new Map<string, string>()
  readonly #make: (number: number, real: string) => string

  constructor(make: (number: number, real: string) => string) {
    this.#make = make
  }

  for(real: string): string {
    const known = this.#known.get(real)
    if (known !== undefined) return known
    const made = this.#make(this.#known.size + 1, real)
    this.#known.set(real, made)
    return made
  }

  /** The stand-in of a known text that begins so. */
  ofPrefix(prefix: string): string | undefined {
    for (const [real, standIn] of this.#known) if (real.startsWith(prefix)) return standIn
    return undefined
  }
}

const hex = (number: number): string => number.toString(16).padStart(8, '0')
const requestTime = '2000-01-01T00:00:00.000Z'
/** What a client sends in a query that is another number each time: Unix seconds, and the version of a node. */
const requestNumbers: Readonly<Record<string, string>> = { until: '946684800', version: '10' }

/**
 * Session ids that a client has made up, and those of the recording: equally long, so that no length changes.
 * The same in both directions, so that a replay can answer a session that was never recorded.
 */
export class SessionIds {
  readonly #standIns = new Numbered((number) => `20000101t000000000z-${hex(number).slice(4)}`)
  readonly #reals = new Map<string, string>()

  toStandIn(text: string): string {
    return text.replaceAll(sessionId, (real) => {
      const standIn = this.#standIns.for(real)
      this.#reals.set(standIn, real)
      return standIn
    })
  }

  toReal(text: string): string {
    return text.replaceAll(sessionId, (standIn) => this.#reals.get(standIn) ?? standIn)
  }
}

/** A request as it is recorded and compared: what a client makes up by itself (session ids, times) is taken out. */
export function standInRequest({ startLine, headers, body }: WireMessage, sessions: SessionIds): RecordedRequest {
  const clean = (text: string): string =>
    storeRules.reduce(
      (cleaner, [pattern, standIn]) => cleaner.replaceAll(pattern, standIn),
      sessions.toStandIn(text).replaceAll(anyTime, requestTime).replaceAll(labHash, labHashStandIn),
    )
  const [method = '', target = ''] = startLine.split(' ')
  const url = new URL(target, 'http://engine')
  const pairs = [...url.searchParams].map(([name, value]): [string, string] => [
    name,
    requestNumbers[name] ?? clean(value),
  ])
  const query = Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
  const request = { method, path: clean(url.pathname), query }
  if (headerOf({ headers }, 'content-type') === 'application/x-tar') return { ...request, upload: uploadDigest(body) }
  return body.length === 0 ? request : { ...request, json: JSON.parse(clean(body.toString())) }
}

type Rule = readonly [pattern: RegExp, standIn: string | ((match: string) => string)]

/** Podman lists a container's environment and its execs in any order. */
function sortedList(json: string): string {
  const values: unknown = JSON.parse(json)
  return JSON.stringify(Array.isArray(values) ? values.sort() : values)
}

const countedRules: readonly Rule[] = [
  [labHash, labHashStandIn],
  ...storeRules,
  // Podman keeps these outside of its data folder.
  [/(?<="(?:ResolvConf|Hostname|Hosts)Path":")[^"]*(?=\/overlay-containers\/)/g, '/run/containers'],
  [/\bUp (?:Less than a second|\d+ seconds?)/g, 'Up 1 second'],
  [/(?<=Exited \(\d+\) )(?:Less than a second|\d+ seconds?) ago/g, '1 second ago'],
  [/(?<="Pid":)[1-9]\d*/g, '4242'],
  [/(?<="MacAddress":")[0-9a-f:]+/g, '02:00:00:00:00:02'],
  [/(?<="(?:Env|ExecIDs)":)\[[^\]]*\]/g, sortedList],
  [/(?<="Created":)\d{10}/g, '946684800'],
  [/(?<="(?:Size|VirtualSize|LayersSize|SizeRootFs)":)[1-9]\d*/g, '1000000'],
  [/(?<="SandboxKey":")[^"]*netns[^"]+/g, '/var/run/docker/netns/000000000000'],
  // Of a Swarm: how often its state was changed, its own certificate, and the networks that it had before.
  [/(?<="Index":)\d+/g, '10'],
  [/(?<="(?:TrustRoot|CertIssuerPublicKey)":)"[^"]*"/g, '""'],
  [/(?<="com\.docker\.network\.driver\.overlay\.vxlanid_list":")\d+/g, '4097'],
  // On hosts without AppArmor it is empty, and which profile it is says nothing.
  [/(?<="AppArmorProfile":)"[^"]*"/g, '""'],
]

const hostRules: readonly Rule[] = [
  [/(?<=^\{"ID":)"[^"]*"/g, '"0000:ENGINE"'],
  [/(?<="Name":)"(?!docker\.io)[^"]*"/g, '"engine-host"'],
  [/(?<="KernelVersion":)"[^"]*"/g, '"6.1.0"'],
  [/(?<="(?:NFd|NGoroutines|NEventsListener|NCPU|Containers(?:Running|Paused|Stopped)?|Images)":)\d+/g, '2'],
  [/(?<="(?:MemTotal|SwapFree|SwapTotal)":)\d+/g, '4294967296'],
  // A part of scripts/parts, where it is had. Podman tells /usr/bin/runsc wherever it runs.
  [/,"runsc":\{"path":"(?!\/usr\/bin\/)[^"]*"\}/g, ''],
  // Of the host, which whatever runs on it may turn on.
  [/(?<="IPv4Forwarding":)(?:true|false)/g, 'true'],
  // In any order.
  [/(?<="DriverStatus":)\[\[.*?\]\]/g, '[["Backing Filesystem","extfs"]]'],
  [/(?<="Uptime":)"[^"]*"/g, '"1h"'],
]

/** By the path: what is new each time, or made by the host and its kernel. */
const pathRules: readonly (readonly [path: RegExp, rules: readonly Rule[]])[] = [
  [/\/info$/, hostRules],
  [/\/nodes$/, [[/(?<="(?:NanoCPUs|MemoryBytes)":)\d+/g, '4294967296']]],
  [
    /\/stats$/,
    [
      [/(?<="cpu_stats":\{"cpu_usage":\{[^}]*":)\d+/g, '1000000'],
      [/(?<="percpu_usage":)\[[^\]]*\]/g, '[1000000]'],
      [/(?<="system_cpu_usage":)\d+/g, '1000000000'],
      [/(?<="online_cpus":)\d+/g, '1'],
      [/(?<="(?:usage|max_usage)":)\d+/g, '1000000'],
      [/(?<="stats":\{[^}]*":)\d+/g, '4096'],
      [/(?<="\w+_recursive":)(?:null|\[[^\]]*\])/g, '[]'],
    ],
  ],
  [
    /\/top$/,
    [
      [/"\d+(?:\.\d+)?"/g, '"42"'],
      [/"\d\d:\d\d"/g, '"00:00"'],
    ],
  ],
  [
    /\/events$/,
    [
      [/(?<="time":)\d+/g, '946684800'],
      [/(?<="timeNano":)\d+/g, '946684800000000000'],
    ],
  ],
]

/** Answers of one recording, in order: stand-ins are numbered by their first appearance. */
export class StandIns {
  readonly #sessions: SessionIds
  readonly #ids = new Numbered((number, real) => `f1${hex(number)}`.padEnd(real.length === 25 ? 25 : 64, '0'))
  readonly #times = new Numbered((number) => `2000-01-01T00:00:00.${String(number).padStart(9, '0')}Z`)
  readonly #addresses = new Numbered((number, real) => real.replace(/\d+$/, String(number + 1)))
  readonly #requestTimes: ReadonlySet<string>
  readonly #dataFolder: string

  /** `dataFolder` is where the engine keeps its data; `requestTimes` are times that came from the client. */
  constructor(sessions: SessionIds, dataFolder: string, requestTimes: ReadonlySet<string>) {
    this.#sessions = sessions
    this.#dataFolder = dataFolder
    this.#requestTimes = requestTimes
  }

  /** Also for paths and bodies of requests that name what the engine has named. */
  id(text: string): string {
    const long = text
      .replaceAll(longId, (real) => this.#ids.for(real))
      .replaceAll(swarmId, (real) => this.#ids.for(real))
    return long.replaceAll(shortId, (real) => (this.#ids.ofPrefix(real) ?? this.#ids.for(real)).slice(0, real.length))
  }

  response(request: RecordedRequest, message: WireMessage): RecordedResponse {
    // The client's turns on an upgraded connection are counted in its bytes, so they stay as they are.
    const { body, reads } =
      isText(message.body) && message.framing !== 'upgraded'
        ? this.#body(request, message)
        : { body: asArchive(request, message.body), reads: [...message.reads] }
    const headers = message.headers.map(([name, value]): [string, string] => [name, this.#header(name, value, body)])
    return { statusLine: message.startLine, headers, framing: message.framing, reads, body }
  }

  #header(name: string, value: string, body: Buffer): string {
    if (name === 'Date') return 'Sat, 01 Jan 2000 00:00:00 GMT'
    if (name === 'X-Reference-Id') return '0x0'
    // An answer to HEAD or one without a body keeps what the engine said.
    if (name === 'Content-Length' && body.length > 0) return String(body.length)
    if (name.toLowerCase() !== 'x-docker-container-path-stat') return value
    return Buffer.from(this.#time(Buffer.from(value, 'base64').toString())).toString('base64')
  }

  #time(text: string): string {
    return text.replaceAll(anyTime, (real) => {
      // Whether two things were made in the same second is chance.
      if (!real.includes('.')) return '2000-01-01T00:00:00Z'
      return this.#requestTimes.has(real) ? requestTime : this.#times.for(real)
    })
  }

  /** By one rule after the other, the ends of the reads moved along. */
  #body(request: RecordedRequest, message: WireMessage): { body: Buffer; reads: number[] } {
    const rules: Rule[] = [
      [new RegExp(this.#dataFolder.replaceAll(/[.\\+*?[\](){}^$|]/g, '\\$&'), 'g'), '/var/lib/docker'],
      [sessionId, (real) => this.#sessions.toStandIn(real)],
      [anyTime, (real) => this.#time(real)],
      [longId, (real) => this.#ids.for(real)],
      [swarmId, (real) => this.#ids.for(real)],
      [address, (real) => this.#addresses.for(real)],
      [shortId, (real) => this.id(`"${real}"`).slice(1, -1)],
      ...countedRules,
      ...pathRules.flatMap(([path, rules]) => (path.test(request.path) ? rules : [])),
    ]
    // One character a byte, so that offsets are offsets of bytes.
    const raw = Buffer.from(steadyLists(request, message.body.toString())).toString('latin1')
    let ends = message.reads.map((_, index) => message.reads.slice(0, index + 1).reduce((a, b) => a + b, 0))
    ends = ends.map((end) => Math.min(end, raw.length))
    let text = raw
    for (const [pattern, standIn] of rules) {
      const moved = [...ends]
      let grown = 0
      text = text.replaceAll(pattern, (match: string, ...rest: unknown[]) => {
        const offset = rest.find((each) => typeof each === 'number') ?? 0
        const replaced = typeof standIn === 'string' ? standIn : standIn(match)
        for (const [index, end] of ends.entries()) {
          if (end >= offset + match.length) moved[index] = end + grown + replaced.length - match.length
        }
        grown += replaced.length - match.length
        return replaced
      })
      ends = moved.map((end) => Math.min(end, text.length))
    }
    ends = [...ends.slice(0, -1), text.length]
    const reads = ends.map((end, index) => end - (ends[index - 1] ?? 0))
    return { body: Buffer.from(text, 'latin1'), reads: reads.filter((length, index) => index === 0 || length > 0) }
  }
}

const asArchive = ({ method, path }: RecordedRequest, body: Buffer): Buffer =>
  method === 'GET' && path.endsWith('/archive') ? withSteadyTimes(body) : body

/** Of lists of all there is what the engine and the recording have made; in a steady order, since theirs is chance. */
function steadyLists({ method, path }: RecordedRequest, text: string): string {
  const answersLists =
    method === 'GET' && /\/(networks(\/[^/]+)?|volumes|system\/df|changes|containers\/json|nodes)$/.test(path)
  // Podman refuses in plain words what it has no list of.
  if (!answersLists || !/^[[{]/.test(text)) return text
  const answer: unknown = JSON.parse(text, (name, value: unknown) =>
    // Those of a network, by their ids.
    name === 'Containers' && isObject(value) && !Array.isArray(value)
      ? Object.fromEntries(sorted(Object.entries(value)))
      : value,
  )
  const steady = /\/(networks|volumes|df)$/.test(path) ? sortedOwn : sorted
  const steadied = (value: unknown): unknown => (Array.isArray(value) ? steady(value) : value)
  if (!isObject(answer) || Array.isArray(answer)) return `${JSON.stringify(steadied(answer))}\n`
  const fields = Object.entries(answer).map(([name, value]) => [name, steadied(value)])
  return `${JSON.stringify(Object.fromEntries(fields))}\n`
}

function sorted<Item>(all: readonly Item[]): Item[] {
  const named = all.map((item) => {
    const text = JSON.stringify(item)
    return { item, name: /"(?:Names?|Path|Hostname)":\[?"[^"]*"/i.exec(text)?.[0] ?? text }
  })
  return named.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ item }) => item)
}

function sortedOwn(all: readonly unknown[]): unknown[] {
  const marks = [
    /"Name":"(?:bridge|host|none|podman)"/,
    // Podman's disk usage names images by their tags alone.
    /"RepoTags":\[[^\]]*"(?:[^"]*busybox:)?1\.36"/,
    new RegExp(`${fixtureLabel}|${fixtureInstallation}`),
  ]
  return sorted(all.filter((each) => marks.some((mark) => mark.test(JSON.stringify(each)))))
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const credential =
  /SWMTKN-|"(?:\w*password|auth|identitytoken|registrytoken|\w*secret\w*)":\s*"[^"]+"|-----BEGIN [A-Z ]*PRIVATE KEY|:\/\/[^/\s:@"]+:[^/\s@"]+@/i

/** Throws where a message holds what looks like a credential: it must not get into a repository. */
export function refuseCredentials({ startLine, headers, body }: WireMessage): void {
  const named = headers.find(([name]) => /authorization|cookie|x-registry-(auth|config)/i.test(name))
  if (named !== undefined) throw new Error(`not recorded: ${startLine} has the header ${named[0]}`)
  const found = credential.exec(`${startLine}\n${body.toString('latin1')}`)
  if (found !== null) throw new Error(`not recorded: ${startLine} holds what looks like a credential`)
}

/**
 * What a proxy saw, as it is kept. Reads between two changes may have come in any order, so they are sorted;
 * a read that was repeated with nothing changed in between is kept once.
 */
export function normalise(raw: readonly RawExchange[], dataFolder: string): Exchange[] {
  const sessions = new SessionIds()
  const requestTimes = new Set<string>()
  for (const { request, input } of raw) {
    const said = input.map(({ bytes }) => bytes).join('')
    refuseCredentials({ ...request, body: Buffer.concat([request.body, Buffer.from(said, 'latin1')]) })
    const sent = `${decodeURIComponent(request.startLine)}${request.body.toString('latin1')}`
    for (const [time] of sent.matchAll(anyTime)) requestTimes.add(time)
  }
  const standIns = new StandIns(sessions, dataFolder, requestTimes)
  const keyOf = (startLine: string): string => standIns.id(sessions.toStandIn(startLine))
  const kept: Exchange[] = []
  let sinceChange = 0
  for (const { request: rawRequest, input, response: rawResponse } of inSteadyOrder(raw, keyOf)) {
    if (rawResponse === undefined) throw new Error(`not recorded: ${rawRequest.startLine} was not answered`)
    refuseCredentials(rawResponse)
    const sent = standInRequest(rawRequest, sessions)
    const request: RecordedRequest = { ...sent, path: standIns.id(sent.path) }
    const query = Object.entries(sent.query).map(([name, value]): [string, string] => [name, standIns.id(value)])
    request.query = Object.fromEntries(query)
    if (sent.json !== undefined) request.json = JSON.parse(standIns.id(JSON.stringify(sent.json)))
    const response = standIns.response(request, rawResponse)
    const exchange: Exchange = input.length === 0 ? { request, response } : { request, input, response }
    if (!isRead(request)) {
      kept.push(exchange)
      sinceChange = kept.length
      continue
    }
    const earlier = kept.findIndex((each, index) => index >= sinceChange && comparable(each) === comparable(exchange))
    const first = kept[earlier]
    if (first === undefined) kept.push(exchange)
    else kept[earlier] = { ...first, repeats: true }
  }
  return kept
}

/** What must be equal in two recordings of a scenario: all but how the bytes were cut, and how often a read was repeated. */
export function comparable({ request, input, response: { reads: _, body, ...response } }: Exchange): string {
  return JSON.stringify({ request, input, response, body: body.toString('latin1') })
}

/** Reads in between two changes sorted by what they ask for, as `keyOf` says when their turn comes; equal ones stay in order. */
function* inSteadyOrder(raw: readonly RawExchange[], keyOf: (startLine: string) => string): Generator<RawExchange> {
  let reads: RawExchange[] = []
  for (const exchange of [...raw, undefined]) {
    if (exchange !== undefined && /^(GET|HEAD) /.test(exchange.request.startLine)) {
      reads.push(exchange)
      continue
    }
    const keyed = reads.map((read) => ({ read, key: keyOf(read.request.startLine) }))
    reads = []
    for (const { read } of keyed.sort((a, b) => Number(a.key > b.key) - Number(a.key < b.key))) yield read
    if (exchange !== undefined) yield exchange
  }
}

// The table of endpoints held against the engine's own OpenAPI documents. They are not part of this repository: name copies
// in ENGINE_OPENAPI, separated by colons. Needs python3 with PyYAML to read them.
// Statuses are not compared, since the documents leave out many that engines really answer. A body of each kind is held
// against them with every field that its type allows.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  type ContainerSpecification,
  createEngine,
  type Engine,
  endpoints,
  type NetworkSpecification,
  type RestartPolicy,
  type SwarmAddresses,
  type SwarmInvitation,
  type SwarmNode,
  type VolumeSpecification,
} from '../../engine-api/index.ts'
import { answerOf, rawServer } from './raw-server.ts'

/** Every field given, all the way down, so that a field added to a type must be added here too. */
type Complete<Value> = Value extends readonly (infer Item)[]
  ? readonly Complete<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]-?: Complete<Exclude<Value[Name], undefined>> }
    : Value

const restartPolicy: Complete<RestartPolicy> = { Name: 'on-failure', MaximumRetryCount: 1 }
const container: Complete<ContainerSpecification> = {
  Entrypoint: ['sh'],
  Image: 'i',
  Cmd: ['c'],
  Env: ['a=b'],
  User: '1',
  WorkingDir: '/',
  Hostname: 'h',
  Labels: { a: 'b' },
  Healthcheck: { Test: ['NONE'], Interval: 0, Timeout: 0, StartPeriod: 0, Retries: 0 },
  ExposedPorts: { '80/tcp': {} },
  StopTimeout: 1,
  Tty: false,
  OpenStdin: false,
  HostConfig: {
    NetworkMode: 'n',
    CapDrop: ['ALL'],
    CapAdd: ['CHOWN'],
    SecurityOpt: ['no-new-privileges'],
    PidsLimit: 1,
    Memory: 1,
    MemorySwap: 1,
    NanoCpus: 1,
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': 'rw' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    Init: true,
    IpcMode: 'private',
    AutoRemove: false,
    RestartPolicy: restartPolicy,
    Mounts: [{ Type: 'volume', Source: 'v', Target: '/v', ReadOnly: true, VolumeOptions: { NoCopy: true } }],
    Runtime: 'runc',
    Privileged: false,
    Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }],
  },
  NetworkingConfig: { EndpointsConfig: { n: { Aliases: ['a'], IPAMConfig: { IPv4Address: '10.0.0.3' } } } },
}
const network: Complete<NetworkSpecification> = {
  Name: 'n',
  Driver: 'overlay',
  Attachable: true,
  Internal: true,
  Labels: { a: 'b' },
  IPAM: { Config: [{ Subnet: '10.0.0.0/28', IPRange: '10.0.0.14/31', Gateway: '10.0.0.1' }] },
  Options: { a: 'b' },
}
const addresses: Complete<SwarmAddresses> = { ListenAddr: '10.0.0.1:2377', AdvertiseAddr: '10.0.0.1' }
const invitation: Complete<SwarmInvitation> = { RemoteAddrs: ['10.0.0.2:2377'], JoinToken: 't' }
const node: Complete<SwarmNode> = {
  ID: 'n',
  Version: { Index: 1 },
  Spec: { Name: 'n', Labels: { a: 'b' }, Role: 'worker', Availability: 'active' },
  Description: { Hostname: 'h', Resources: { NanoCPUs: 1, MemoryBytes: 1 }, Engine: { EngineVersion: '1' } },
  Status: { State: 'ready', Message: '', Addr: '10.0.0.1' },
  ManagerStatus: { Leader: true, Reachability: 'reachable', Addr: '10.0.0.1:2377' },
}
const volume: Complete<VolumeSpecification> = { Name: 'v', Labels: { a: 'b' } }

/** Every call that sends JSON, as full as its types allow. */
const bodies: readonly ((engine: Engine) => Promise<unknown>)[] = [
  (e) => e.containers.create({ name: 'c', body: container }),
  (e) => e.containers.update('c', { RestartPolicy: restartPolicy }),
  (e) => e.networks.create(network),
  (e) => e.networks.connect('n', 'c', { endpoint: { IPAMConfig: { IPv4Address: '10.0.0.2' } } }),
  (e) => e.networks.disconnect('n', 'c', { force: true }),
  (e) => e.volumes.create(volume),
  (e) => e.exec.run('c', { command: ['c'], user: '1', timeoutMs: 10_000, maxOutputBytes: 1 }),
  (e) => e.exec.open('c', { command: ['c'], user: '1', terminal: true }),
  (e) => e.swarm.init(addresses),
  (e) => e.swarm.join({ ...addresses, ...invitation }),
  (e) => e.nodes.update(node, { Availability: 'pause' }),
]

/** Newer documents dropped it; engines before Docker 25 and Podman 4 need it, and newer ones ignore it. */
const dropped = ['network-create.CheckDuplicate']

const files = (process.env['ENGINE_OPENAPI'] ?? '').split(':').filter((file) => file !== '')
const toJson = `
import json, sys, yaml
loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
json.dump(yaml.load(open(sys.argv[1]), loader), sys.stdout, default=str)
`

function reasonToSkip(): string | false {
  if (files.length === 0) return 'ENGINE_OPENAPI is not set'
  const { status } = spawnSync('python3', ['-c', 'import yaml'])
  return status === 0 ? false : 'python3 with PyYAML is not installed'
}

/** A part of a document: what is asked for and absent is undefined. */
class Part {
  readonly #document: unknown
  readonly value: unknown

  constructor(document: unknown, value: unknown) {
    this.#document = document
    this.value = this.#resolved(value)
  }

  get(name: string): Part {
    return new Part(this.#document, Part.#field(this.value, name))
  }

  names(): string[] {
    return typeof this.value === 'object' && this.value !== null ? Object.keys(this.value) : []
  }

  items(): Part[] {
    return Array.isArray(this.value) ? this.value.map((item) => new Part(this.#document, item)) : []
  }

  #resolved(value: unknown): unknown {
    const reference = Part.#field(value, '$ref')
    if (typeof reference !== 'string') return value
    const found = reference.split('/').slice(1).reduce(Part.#field, this.#document)
    return this.#resolved(found)
  }

  static #field(this: void, value: unknown, name: string): unknown {
    if (typeof value !== 'object' || value === null) return undefined
    return Object.entries(value).find(([key]) => key === name)?.[1]
  }
}

const documents = new Map<string, Part>()

/** Read once: it takes seconds. */
function documentOf(file: string): Part {
  const document = documents.get(file) ?? readDocument(file)
  documents.set(file, document)
  return document
}

function readDocument(file: string): Part {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', toJson, file], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  assert.equal(status, 0, stderr)
  const document: unknown = JSON.parse(stdout)
  return new Part(document, document)
}

/** The operation of a path such as `/containers/{}/json`; placeholders may have any name. */
function documented(document: Part, path: string, method: string): Part {
  const bare = (template: string): string => template.replaceAll(/\{\w+\}/g, '{}')
  const paths = document.get('paths')
  const found = paths.names().find((template) => bare(template) === bare(path))
  assert.ok(found !== undefined, `${path} is not in the document`)
  const operation = paths.get(found).get(method.toLowerCase())
  assert.ok(operation.value !== undefined, `${method} ${path} is not in the document`)
  return operation
}

function parameters(operation: Part, place: string): Part[] {
  return operation
    .get('parameters')
    .items()
    .filter((parameter) => parameter.get('in').value === place)
}

/** The fields of `value` that the schema does not know, with their paths. */
function unknownFields(schema: Part, value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => unknownFields(schema.get('items'), item, `${path}[]`))
  if (typeof value !== 'object' || value === null) return []
  const schemas = flattened(schema)
  const any = schemas.map((part) => part.get('additionalProperties')).find((part) => part.value !== undefined)
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = schemas.map((part) => part.get('properties').get(name)).find((part) => part.value !== undefined)
    const fitting = known ?? any
    return fitting === undefined ? [`${path}.${name}`] : unknownFields(fitting, inner, `${path}.${name}`)
  })
}

/** The fields that an answer's schema of ours names and the document's does not. */
function unknownAnswers(schema: Part, ours: Part, path: string): string[] {
  const schemas = flattened(schema)
  // Old documents describe some answers by an example alone.
  if (
    schemas.every((part) =>
      ['properties', 'items', 'additionalProperties'].every((one) => part.get(one).value === undefined),
    )
  )
    return []
  const find = (name: string): Part | undefined =>
    schemas.map((part) => part.get('properties').get(name)).find((part) => part.value !== undefined)
  return [
    ...ours
      .get('anyOf')
      .items()
      .flatMap((one) => unknownAnswers(schema, one, path)),
    ...(ours.get('items').value === undefined
      ? []
      : unknownAnswers(schema.get('items'), ours.get('items'), `${path}[]`)),
    ...ours
      .get('patternProperties')
      .names()
      .flatMap((name) =>
        unknownAnswers(schema.get('additionalProperties'), ours.get('patternProperties').get(name), `${path}.*`),
      ),
    ...ours
      .get('properties')
      .names()
      .flatMap((name) => {
        const known = find(name)
        if (known === undefined) return [`${path}.${name}`]
        return unknownAnswers(known, ours.get('properties').get(name), `${path}.${name}`)
      }),
  ]
}

function flattened(schema: Part): Part[] {
  return [schema, ...schema.get('allOf').items().flatMap(flattened)]
}

const skip = reasonToSkip()
for (const file of files.length === 0 ? ['(none)'] : files) {
  test(`every endpoint and its query stand in ${file}`, { skip }, () => {
    const document = documentOf(file)
    for (const { name, path, method, query } of endpoints) {
      const known = parameters(documented(document, path, method), 'query').map((one) => one.get('name').value)
      const unknown = query.filter((one) => !known.includes(one))
      assert.deepEqual(unknown, [], `${name} sends query names that the document does not know`)
    }
  })

  test(`every field that is read from an answer stands in ${file}`, { skip }, () => {
    const document = documentOf(file)
    const unknown = endpoints.flatMap(({ name, path, method, answer }) => {
      if (answer === undefined) return []
      const responses = documented(document, path, method).get('responses')
      const status = responses.names().find((one) => one.startsWith('2'))
      const schema = responses.get(status ?? '').get('schema')
      assert.ok(schema.value !== undefined, `${name} answers no JSON in the document`)
      return unknownAnswers(schema, new Part({}, answer.Schema()), name)
    })
    assert.deepEqual(unknown, [])
  })

  test(`every field of every body stands in ${file}`, { skip }, async (t) => {
    const document = documentOf(file)
    const server = await rawServer(t, (socket, { target }) => {
      if (target.endsWith('/start')) socket.write(answerOf(404))
      else if (target.startsWith('/v1.41/containers/c/update')) socket.write(answerOf(200, '{}'))
      else if (/(?:connect|disconnect)$/.test(target)) socket.write(answerOf(200))
      else socket.write(answerOf(201, '{"Id":"e","Name":"v","Driver":"local","Labels":null}'))
    })
    const engine = createEngine({ host: server.host })
    t.after(() => engine.close())
    // An exec ends in the refused start, which is enough: its bodies were sent.
    for (const send of bodies) await send(engine).catch(() => undefined)

    const sent = new Set<string>()
    for (const { method, target, body } of server.requests) {
      const path = (target.split('?')[0] ?? '').replace('/v1.41', '')
      const { name, path: template } =
        endpoints.find((one) => {
          const pattern = new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
          return one.method === method && pattern.test(path)
        }) ?? assert.fail(`${method} ${path} is no endpoint`)
      const [schema] = parameters(documented(document, template, method), 'body').map((one) => one.get('schema'))
      assert.ok(schema !== undefined, `${name} has no body in the document`)
      const unknown = unknownFields(schema, JSON.parse(body.toString()), name)
      assert.deepEqual(
        unknown.filter((field) => !dropped.includes(field)),
        [],
      )
      sent.add(name)
    }
    assert.deepEqual(
      [...sent].sort(),
      [
        'container-create',
        'container-update',
        'exec-create',
        'exec-start',
        'network-connect',
        'network-create',
        'network-disconnect',
        'node-update',
        'swarm-init',
        'swarm-join',
        'volume-create',
      ],
      'every endpoint with a JSON body was sent',
    )
  })
}

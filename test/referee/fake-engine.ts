// A hand-made engine for the referee's own tests: it answers what the referee asks, and notes what was let through to it.

import { createServer } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { wholeBody } from './forward.ts'

interface Thing {
  readonly Labels: Record<string, string>
}

export interface FakeEngine {
  readonly socket: string
  /** By id; `volumes` are the names of those that the container has. */
  readonly containers: Map<string, Thing & { State: object; readonly volumes: readonly string[] }>
  readonly volumes: Map<string, Thing>
  readonly networks: Map<string, Thing>
  /** `METHOD URL` of every request that is no question, and the bytes that it sent, where there are some. */
  readonly passed: string[]
  /** Archives end when this does. */
  archivesEnd: Promise<unknown>
}

/** Listens in `folder` until the test ends. Removals work; so does an upgrade, which echoes in upper case. */
export async function startFakeEngine(t: TestContext, folder: string): Promise<FakeEngine> {
  const engine: FakeEngine = {
    socket: join(folder, 'fake-engine.sock'),
    containers: new Map(),
    volumes: new Map(),
    networks: new Map(),
    passed: [],
    archivesEnd: Promise.resolve(),
  }
  const { containers, volumes, networks } = engine
  const kinds: Record<string, Map<string, Thing>> = { containers, volumes, networks }

  const answerTo = (path: string, filters: Record<string, string[]>): object | undefined => {
    const labelled = ({ Labels }: Thing) =>
      (filters['label'] ?? []).every((wanted) => {
        const [name = '', value] = wanted.split('=')
        return name in Labels && (value === undefined || Labels[name] === value)
      })
    if (path === '/containers/json') {
      const found = [...engine.containers].filter(([, container]) => labelled(container))
      const using = (filters['volume'] ?? [])[0]
      const matching = found.filter(([, { volumes }]) => using === undefined || volumes.includes(using))
      return matching.map(([Id]) => ({ Id }))
    }
    if (path === '/volumes')
      return { Volumes: [...engine.volumes].filter(([, v]) => labelled(v)).map(([Name]) => ({ Name })) }
    const [, kind = '', name = ''] = path.split('/')
    const container = engine.containers.get(name)
    if (kind === 'containers')
      return container && { Id: name, State: container.State, Config: { Labels: container.Labels } }
    return kinds[kind]?.get(name)
  }

  const server = createServer(async (request, response) => {
    const { pathname: versioned, searchParams } = new URL(request.url ?? '', 'http://engine')
    const pathname = versioned.replace(/^\/v[\d.]+/, '')
    if (request.method === 'GET') {
      const found = answerTo(pathname, JSON.parse(searchParams.get('filters') ?? '{}'))
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.write(JSON.stringify(found ?? { message: 'no such thing' }))
      if (pathname.endsWith('/archive')) await engine.archivesEnd
      response.end()
      return
    }
    const sent = (await wholeBody(request)).toString('latin1')
    engine.passed.push(`${request.method} ${request.url}${sent && ` ${sent}`}`)
    const [, kind = '', name = ''] = pathname.split('/')
    if (request.method === 'DELETE') kinds[kind]?.delete(name)
    response.writeHead(204).end()
  })
  server.on('upgrade', (request, socket) => {
    const refused = request.url === '/exec/absent/start'
    socket.write(refused ? 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n' : 'HTTP/1.1 101 UPGRADED\r\n\r\n')
    socket.on('data', (bytes: Buffer) => {
      engine.passed.push(bytes.toString())
      if (!refused) socket.write(bytes.toString().toUpperCase())
    })
    socket.on('end', () => socket.end('the end'))
  })
  await new Promise<void>((resolve) => server.listen(engine.socket, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return engine
}

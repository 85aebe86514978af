// The real Traefik in the demo, from the program that scripts/parts built: an image of it, its container with the arguments of
// docs/operator.md, and a page asked for as a browser asks.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { basename, dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Engine } from '../engine-api/index.ts'

const image = { repository: 'class-runtime-demo', tag: 'traefik' }

/** Where containers of the engine's default network find what listens on the engine's own host. */
export async function gatewayOf(engine: Engine): Promise<string> {
  const { IPAM } = await engine.networks.inspect('bridge')
  return IPAM.Config?.[0]?.Gateway ?? '172.17.0.1'
}

export async function startTraefik(
  engine: Engine,
  program: string,
  { name, token, routesListen }: { name: string; token: string; routesListen: string },
): Promise<string> {
  await engine.images.tag(await engine.images.import(image, tarOf(program)), image)
  const body = {
    Image: `${image.repository}:${image.tag}`,
    User: '65534:65534',
    Cmd: [
      '/bin/traefik',
      '--entrypoints.web.address=:8000',
      '--entrypoints.web.transport.respondingTimeouts.readTimeout=0',
      '--serverstransport.forwardingtimeouts.dialtimeout=2s',
      '--providers.providersthrottleduration=200ms',
      `--providers.http.endpoint=http://${routesListen}/room/traefik`,
      '--providers.http.pollinterval=500ms',
      `--providers.http.headers.Authorization=Bearer ${token}`,
    ],
    HostConfig: { ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] },
  }
  const { Id } = await engine.containers.create({ name, body })
  await engine.containers.start(Id)
  return Id
}

/** What Traefik shows at this URL, by the name in it alone. */
export async function visit(engine: Engine, traefikId: string, url: string): Promise<string> {
  const { NetworkSettings } = await engine.containers.inspect(traefikId)
  const address = NetworkSettings.Networks?.['bridge']?.IPAddress
  const { host, pathname } = new URL(url)
  const sent = request({ host: address, port: 8000, path: pathname, headers: { host }, timeout: 10_000 })
  sent.once('timeout', () => sent.destroy(new Error(`Traefik does not answer for ${url}`)))
  sent.end()
  const [response] = await once(sent, 'response')
  const page = await text(response)
  if (response.statusCode !== 200) throw new Error(`Traefik answers ${response.statusCode} for ${url}: ${page}`)
  return page
}

/** /bin/traefik, which root owns. */
async function* tarOf(program: string): AsyncGenerator<Uint8Array, void, undefined> {
  const args = ['--create', '--owner=0', '--group=0', '--transform=s,^,bin/,', '--directory', dirname(program)]
  const tar = spawn('tar', [...args, basename(program)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(tar, 'exit')
  yield* tar.stdout
  const [code] = await exit
  if (code !== 0) throw new Error(`tar ended with ${code}`)
}

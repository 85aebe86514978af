// Traefik as compose.yaml starts it: its arguments, its user, its closed root. The service is outside the network that compose would make,
// so that its name stands in /etc/hosts.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { catalogueOf } from '../support/catalogue.ts'
import { docker, tryDocker } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { skipWithoutTraefik, startTraefik, traefikEnv, traefikPlace } from '../support/real-traefik.ts'
import { install } from '../support/service.ts'
import { until } from '../support/until.ts'

/** The lines of Traefik's part that are indented deeper than its members. */
function partOf(member: string): string[] {
  const compose = readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8')
  const [, traefik = ''] = /\n {2}traefik:\n((?: {4}.*\n|\n)+)/.exec(compose) ?? []
  const [, lines = ''] = new RegExp(`^ {4}${member}:\\n((?: {6}.*\\n)+)`, 'm').exec(traefik) ?? []
  return [...lines.matchAll(/^ {6}- (.*)$/gm)].map(([, text = '']) => text)
}

test('Traefik with the arguments of compose.yaml shows a page and says that it is well', {
  skip: skipWithoutEngine || skipWithoutTraefik,
  timeout: 120_000,
}, async (t) => {
  const place = await traefikPlace('compose', 8080)
  const command = partOf('command').map((text) => text.replace(/\$\{TRAEFIK_TOKEN:\?[^}]*\}/, place.token))
  assert.ok(command.includes('--providers.http.endpoint=http://service:8080/room/traefik'), command.join('\n'))
  const site = await install(t, {
    name: 'compose',
    store: 'directory',
    subnets: '10.214.0.0/20',
    catalogue: catalogueOf(
      { compose: ['s01'] },
      { command: ['sh', '-c', 'mkdir /tmp/w; echo hello >/tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w'] },
    ),
    env: traefikEnv(place),
  })
  const [gateway = ''] = place.routesListen.split(':')
  const traefik = await startTraefik(site, place, { command, flags: ['--add-host', `service:${gateway}`] })
  const service = await site.start()
  const { students } = await upClass(service, 'compose')
  assert.equal(students[0]?.endpointState, 'ready')
  await until('the page', async () => (await traefik.get('s01--compose.lab.localhost')).body === 'hello\n')
  const health = ['healthcheck', '--entrypoints.ping.address=127.0.0.1:8082', '--ping.entrypoint=ping']
  assert.equal((await tryDocker(['exec', traefik.name, '/bin/traefik', ...health])).exitCode, 0)
  await downClass(service, 'compose')
  await docker(['rm', '-f', traefik.name])
})

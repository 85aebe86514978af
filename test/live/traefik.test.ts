// Students' pages through the real Traefik: whose page each name shows, and that a name is never without an answer.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type CatalogueFile, catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, shell } from '../support/docker.ts'
import { cleanUpOfSuite, downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import {
  type RealTraefik,
  skipWithoutTraefik,
  startTraefik,
  type TraefikPlace,
  traefikEnv,
  traefikPlace,
} from '../support/real-traefik.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { visit as visitHost, watchPages } from '../support/visits.ts'

const students = studentsOf(3)
/** A page that says whose it is. */
const page = `mkdir -p /tmp/www; printf '%s' "$HOSTNAME" >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www`
const lab = { command: ['sh', '-c', page], pids: 128 }

const answer = readFileSync(new URL('../support/echo-answer.sh', import.meta.url), 'utf8')
const serveEcho = `cat >/tmp/answer <<'END'\n${answer}END\nexec nc -ll -p 8080 -e sh /tmp/answer`
const echoLab = { command: ['sh', '-c', serveEcho] }

const hostOf = (classId: string, student: string): string => `${student}--${classId}.lab.localhost`

describe('pages through Traefik', { skip: skipWithoutEngine || skipWithoutTraefik, timeout: 600_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let site: Installation
  let place: TraefikPlace
  let traefik: RealTraefik
  let service: Service

  before(async () => {
    place = await traefikPlace('pages', 18_081)
    const catalogue: CatalogueFile = catalogueOf({ a: students, b: students, c: students, ill: students }, lab)
    catalogue.labs['checked'] = {
      ...catalogue.labs['shell'],
      healthCheck: { command: ['test', '!', '-e', '/tmp/ill'], intervalSeconds: 1 },
    }
    catalogue.labs['echo'] = { ...catalogue.labs['shell'], ...echoLab }
    catalogue.subjects['subject'] = { labs: ['shell', 'checked', 'echo'] }
    catalogue.classes['echo'] = { subject: 'subject', lab: 'echo', students: ['s01'] }
    catalogue.classes['ill'] = { subject: 'subject', lab: 'checked', students }
    site = await install(cleanUp, {
      name: 'pages',
      store: 'directory',
      subnets: '10.212.0.0/16',
      catalogue,
      env: { ...traefikEnv(place), SWEEP_SECONDS: '2' },
    })
    traefik = await startTraefik(site, place)
    service = await site.start()
  })

  const visit = (classId: string, student: string): Promise<string> => visitHost(traefik, hostOf(classId, student))

  const watch = (...names: readonly (readonly [classId: string, student: string])[]) =>
    watchPages(
      traefik,
      names.map(([classId, student]) => ({ host: hostOf(classId, student), page: student })),
    )

  test('each page is there when the up answers, its own under its name, in any case of the name', async () => {
    const { students: up } = await upClass(service, 'a')
    assert.deepEqual(new Set(up.map(({ endpointState }) => endpointState)), new Set(['ready']))
    for (const student of students) {
      await until(`the page of ${student}`, async () => (await visit('a', student)) === student)
    }
    assert.equal((await traefik.get(hostOf('a', 's01').toUpperCase())).body, 's01')
    assert.equal((await traefik.get('nobody--a.lab.localhost')).status, 404)
  })

  test('paths arrive as they were sent, and so does an upload', async () => {
    await upClass(service, 'echo')
    const host = hostOf('echo', 's01')
    await until('the page', async () => (await traefik.get(host)).body === 'GET / HTTP/1.1\n0')
    for (const path of ['/a%2Fb', '/b%C3%A0i%20t%E1%BA%ADp', '/?x=%23', '/x;y', '/100%25']) {
      const { status, body } = await traefik.get(host, path)
      assert.deepEqual([status, body], [200, `GET ${path} HTTP/1.1\n0`])
    }
    const sent = Buffer.alloc(8 * 1024 * 1024, 'x')
    assert.equal(
      (await traefik.get(host, '/up', { method: 'PUT', body: sent })).body,
      `PUT /up HTTP/1.1\n${sent.length}`,
    )
  })

  test('a WebSocket is led through, and ends at once when its class goes down', async () => {
    const key = Buffer.alloc(16, 7).toString('base64')
    const sent = request({
      ...{ host: await traefik.address(), port: 8000, agent: false },
      headers: {
        ...{ host: hostOf('echo', 's01'), connection: 'Upgrade', upgrade: 'websocket' },
        ...{ 'sec-websocket-version': '13', 'sec-websocket-key': key },
      },
    })
    sent.end()
    sent.once('response', ({ statusCode }) => sent.destroy(new Error(`no WebSocket: ${statusCode}`)))
    const [response, socket] = await once(sent, 'upgrade')
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    assert.equal(response.headers['sec-websocket-accept'], accept)
    socket.write('hello')
    const [echo] = await once(socket, 'data')
    assert.equal(echo.toString(), 'hello')
    const closed = once(socket, 'close')
    const down = downClass(service, 'echo')
    await closed
    await down
    await until('its name to be gone', async () => (await visit('echo', 's01')) === '404')
  })

  test('a restarted Traefik, and one made anew, lead again by themselves, and to nobody else', async () => {
    const stop = watch(...students.map((student) => ['a', student] as const))
    await docker(['restart', '-t', '0', traefik.name])
    await until('the page after the restart', async () => (await visit('a', 's01').catch(() => '')) === 's01')
    await traefik.renew()
    await until('the page of a new Traefik', async () => (await visit('a', 's01').catch(() => '')) === 's01')
    const wrong = (await stop()).filter(
      (seen) => !/ECONN|EHOST|socket hang up|timeout|ENETUNREACH|No such container|: 404|: 50[24]/.test(seen),
    )
    assert.deepEqual(wrong, [])
  })

  test('the service is restarted under Traefik: every page stays', async () => {
    await until(
      'every page',
      async () => (await Promise.all(students.map((each) => visit('a', each)))).join() === students.join(),
    )
    const stop = watch(...students.map((student) => ['a', student] as const))
    await service.stop()
    await delay(3_000)
    service = await site.start()
    await delay(2_000)
    assert.deepEqual(await stop(), [])
  })

  test('programs die all at once, classes go up and down, snapshots freeze: no name shows another page', async () => {
    await upClass(service, 'c')
    await until('the pages', async () => (await visit('c', 's01')) === 's01')
    const stop = watch(...students.flatMap((student) => [['a', student] as const, ['c', student] as const]))
    for (let round = 0; round < 2; round++) {
      await Promise.all(
        students.map((student) =>
          docker(['exec', `class-c--${student}`, 'killall', '-9', 'httpd']).catch(() => undefined),
        ),
      )
      await upClass(service, 'b')
      const { status } = await service.post('/room/collect-class', { classId: 'a' })
      assert.equal(status, 200)
      await downClass(service, 'b')
    }
    const wrong = (await stop()).filter((seen) => !/--c\.lab\.localhost: 50[24]$/.test(seen))
    assert.deepEqual(wrong, [])
    await downClass(service, 'c')
  })

  test('who cannot be visited keeps the name, with a page that says why', async () => {
    await upClass(service, 'ill')
    await until('the page', async () => (await visit('ill', 's01')) === 's01')
    await shell('class-ill--s01', 'touch /tmp/ill')
    await until('the page of an ill one', async () =>
      /does not answer/.test((await traefik.get(hostOf('ill', 's01'))).body),
    )
    await shell('class-ill--s01', 'rm /tmp/ill')
    await until('the page again', async () => (await visit('ill', 's01')) === 's01')
    await docker(['stop', '-t', '0', 'class-ill--s02'])
    const stopped = async () => await traefik.get(hostOf('ill', 's02'), '/any?x=1', { method: 'POST', body: 'x' })
    await until('the page of a stopped one', async () => /is stopped/.test((await stopped()).body))
    assert.equal((await stopped()).status, 503)
    assert.equal(await visit('ill', 's03'), 's03')
  })

  test('a frozen sandbox is waited for, and one that was thawed is no ill one', async () => {
    await docker(['start', 'class-ill--s02'])
    await until('the page', async () => (await visit('ill', 's02')) === 's02')
    await docker(['pause', 'class-ill--s02'])
    const waiting = traefik.get(hostOf('ill', 's02'))
    await delay(2_000)
    await docker(['unpause', 'class-ill--s02'])
    assert.deepEqual(await waiting, { status: 200, body: 's02' })
    const { status } = await service.post('/room/collect-class', { classId: 'ill' })
    assert.equal(status, 200)
    assert.equal(await visit('ill', 's02'), 's02')
    await upClass(service, 'ill')
  })

  test('what comes from a sandbox is led nowhere', async () => {
    const address = JSON.parse(
      (await docker(['inspect', '--format', '{{json .NetworkSettings.Networks}}', traefik.name])).toString(),
    )['class-ill'].IPAddress
    for (const host of [hostOf('a', 's01'), hostOf('ill', 's02')]) {
      const said = await docker([
        'exec',
        'class-ill--s01',
        'sh',
        '-c',
        `wget -S -O - --header 'Host: ${host}' http://${address}:8000/ 2>&1 || true`,
      ])
      assert.match(said.toString(), /418/)
    }
  })

  test('a Traefik that stops is told in the class’s state and in /readyz, until it is back', async () => {
    const told = async () => (await service.get('/room/classes/a')).body
    await docker(['stop', '-t', '0', traefik.name])
    await until('the state to tell it', async () => /traefik-unusable/.test(JSON.stringify(await told())))
    assert.equal((await service.get('/readyz')).status, 503)
    await docker(['start', traefik.name])
    await until('the state to be well', async () => !/traefik-unusable/.test(JSON.stringify(await told())))
    await downClass(service, 'a')
    await downClass(service, 'ill')
  })
})

// Whose page each name shows while a class streams into a slow store, programs die, Traefik restarts and health checks flap.
// Two students are in every class, and each page says of whom and of which class it is.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { startS3Proxy } from '../faults/s3-proxy.ts'
import { type CatalogueFile, catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, shell } from '../support/docker.ts'
import { cleanUpOfSuite, downClass, upClass, work } from '../support/faults.ts'
import { s3Server, skipWithoutEngine, skipWithoutS3 } from '../support/live.ts'
import {
  type RealTraefik,
  skipWithoutTraefik,
  startTraefik,
  traefikArguments,
  traefikEnv,
  traefikPlace,
} from '../support/real-traefik.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { visit, watchPages } from '../support/visits.ts'

const classes = ['slow', 'late', 'dying', 'flapping']
const students = studentsOf(2)
const page = `mkdir -p /tmp/www; printf '%s' "$HOSTNAME $CLASS" >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www`
const answer = readFileSync(new URL('../support/echo-answer.sh', import.meta.url), 'utf8')
const takeUploads = `cat >/tmp/answer <<'END'\n${answer}END\nexec nc -ll -p 8080 -e sh /tmp/answer`

const namesOf = (classId: string) =>
  students.map((student) => ({ host: `${student}--${classId}.lab.localhost`, page: `${student} ${classId}` }))

function labsAndClasses(): CatalogueFile {
  const catalogue = catalogueOf(Object.fromEntries(classes.map((each) => [each, students])))
  const { shell: base } = catalogue.labs
  for (const each of classes) {
    const checked =
      each === 'flapping' ? { healthCheck: { command: ['test', '!', '-e', '/tmp/ill'], intervalSeconds: 1 } } : {}
    catalogue.labs[each] = { ...base, command: ['sh', '-c', page], env: { CLASS: each }, ...checked }
    catalogue.classes[each] = { subject: 'subject', lab: each, students }
  }
  catalogue.labs['uploads'] = { ...base, command: ['sh', '-c', takeUploads] }
  catalogue.classes['uploads'] = { subject: 'subject', lab: 'uploads', students: ['s01'] }
  catalogue.subjects['subject'] = { labs: Object.keys(catalogue.labs) }
  return catalogue
}

const skip = skipWithoutEngine || skipWithoutS3 || skipWithoutTraefik

describe('pages in trouble', { skip, timeout: 600_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let store: Awaited<ReturnType<typeof startS3Proxy>>
  let site: Installation
  let traefik: RealTraefik
  let service: Service

  before(async () => {
    store = await startS3Proxy(s3Server().endpoint)
    cleanUp.after(store.goDown)
    const place = await traefikPlace('trouble', 18_087)
    site = await install(cleanUp, {
      ...{ name: 'trouble', store: 's3', subnets: '10.216.0.0/20', catalogue: labsAndClasses() },
      env: {
        ...traefikEnv(place),
        ...{ MINIO_ENDPOINT: store.url, SWEEP_SECONDS: '2', TRAEFIK_ENTRYPOINTS: 'web,short' },
      },
    })
    const short = [
      '--entrypoints.short.address=:8001',
      '--entrypoints.short.transport.respondingTimeouts.readTimeout=1s',
    ]
    traefik = await startTraefik(site, place, { command: [...traefikArguments(place), ...short] })
    service = await site.start()
  })

  const shown = async (...classIds: string[]) => {
    for (const { host, page: own } of classIds.flatMap(namesOf)) {
      await until(`the page of ${host}`, async () => (await visit(traefik, host).catch(() => '')) === own)
    }
  }

  test('a class streams into a slow store: another goes up, programs die, Traefik restarts, and no name shows another page', async (t) => {
    await upClass(service, 'slow')
    await upClass(service, 'dying')
    await shown('slow', 'dying')
    for (const student of students) await work(`class-slow--${student}`, 'head -c 2500000 /dev/urandom >large')
    // 64 KB a second: all of this happens while it streams.
    store.plan.set({ fault: 'slow', method: 'PUT', url: /large/, nth: 1, standing: true })
    let isStreaming = true
    const down = downClass(service, 'slow').finally(() => {
      isStreaming = false
    })
    await until('the large files to stream', () => store.plan.hits > 0)

    const stop = watchPages(traefik, namesOf('dying'))
    const { students: up } = await upClass(service, 'late')
    assert.deepEqual(new Set(up.map(({ endpointState }) => endpointState)), new Set(['ready']))
    const answered = performance.now()
    await shown('late')
    t.diagnostic(`pages of the class that went up: ${Math.round(performance.now() - answered)} ms after the answer`)
    await Promise.all(
      students.map((student) => docker(['exec', `class-dying--${student}`, 'killall', '-9', 'httpd']).catch(() => '')),
    )
    await shown('dying')
    const wrong = await stop()
    assert.deepEqual(
      wrong.filter((seen) => !/: 50[24]$/.test(seen)),
      [],
    )

    const stopAfter = watchPages(traefik, [...namesOf('dying'), ...namesOf('late')])
    await docker(['restart', '-t', '0', traefik.name])
    const restarted = performance.now()
    await shown('dying', 'late')
    t.diagnostic(`all pages: ${Math.round(performance.now() - restarted)} ms after Traefik's restart`)
    assert.ok(isStreaming, 'all of this was meant to happen while the class streams')
    const around = (await stopAfter()).filter((seen) => !/ECONN|EHOST|hang up|timeout|: 404$|: 50[24]$/.test(seen))
    assert.deepEqual(around, [])
    store.plan.set(undefined)
    await down
    for (const each of ['late', 'dying']) await downClass(service, each)
  })

  test('while a health check flaps a name shows its own page or says that it is ill, and nothing else', async () => {
    await upClass(service, 'flapping')
    await shown('flapping')
    const stop = watchPages(traefik, namesOf('flapping'))
    for (let round = 0; round < 3; round++) {
      await shell('class-flapping--s01', 'touch /tmp/ill')
      await until('the page of an ill one', async () => (await visit(traefik, 's01--flapping.lab.localhost')) === '503')
      await shell('class-flapping--s01', 'rm /tmp/ill')
      await shown('flapping')
    }
    assert.deepEqual(await stop(), [])
    await downClass(service, 'flapping')
  })

  test('an upload that takes longer than an entrypoint’s limit is cut, and whole where there is none', async () => {
    await upClass(service, 'uploads')
    const host = 's01--uploads.lab.localhost'
    await until('the page', async () => (await visit(traefik, host)) === 'GET / HTTP/1.1\n0')
    const upload = { method: 'PUT', body: Buffer.alloc(200_000, 'x'), pauseMs: 2_500 }
    assert.equal((await traefik.get(host, '/up', upload)).body, 'PUT /up HTTP/1.1\n200000')
    const cut = await traefik.get(host, '/up', { ...upload, port: 8001 }).catch((error: unknown) => `${error}`)
    assert.notEqual(typeof cut === 'string' ? cut : cut.status, 200)
    await downClass(service, 'uploads')
  })
})

// Restarts, freezes, downs and ups under the real Traefik while every name is asked for again and again: whose page comes?
// Usage: pages.ts MINUTES. Prints what was answered; fails where one name showed another student's page.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { tryDocker } from '../support/docker.ts'
import { startTraefik, traefikEnv, traefikPlace } from '../support/real-traefik.ts'
import { install, type Service } from '../support/service.ts'

const minutes = Number(process.argv[2])
if (!(minutes > 0)) throw new Error('Usage: pages.ts MINUTES')

const classes = ['a', 'b', 'c', 'd']
const students = studentsOf(4)
const page = `mkdir -p /tmp/www; printf '%s' "$HOSTNAME $CLASS" >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www`

const works: (() => Promise<void>)[] = []
const place = await traefikPlace('proof', 18_082)
// Of each class a lab of its own, whose page names the class.
const catalogue = catalogueOf(Object.fromEntries(classes.map((each) => [each, students])))
for (const each of classes) {
  catalogue.labs[`of-${each}`] = { ...catalogue.labs['shell'], command: ['sh', '-c', page], env: { CLASS: each } }
  catalogue.classes[each] = { subject: 'subject', lab: `of-${each}`, students }
}
catalogue.subjects['subject'] = { labs: Object.keys(catalogue.labs) }
const site = await install(
  { after: (work) => void works.push(work) },
  {
    ...{ name: 'proof-pages', store: 'directory', subnets: '10.213.0.0/22', catalogue },
    env: { ...traefikEnv(place), SWEEP_SECONDS: '2' },
  },
)

/** What was answered -> how often. */
const answers = new Map<string, number>()
const foreign: string[] = []
const done: string[] = []
const until = Date.now() + minutes * 60_000
try {
  const traefik = await startTraefik(site, place)
  let service: Service = await site.start()
  for (const classId of classes) await service.post('/room/up-class', { classId })
  let ended = false
  const visitors = classes.flatMap((classId) =>
    students.map(async (student) => {
      while (!ended) {
        const { status, body } = await traefik
          .get(`${student}--${classId}.lab.localhost`, '/', { timeoutMs: 5_000 })
          .catch(() => ({ status: 0, body: '' }))
        const isForeign = status === 200 && body !== `${student} ${classId}`
        if (isForeign) foreign.push(`${new Date().toISOString()} ${student}--${classId} showed ${body}`)
        const answer = isForeign ? 'foreign' : `${status || 'no answer'}`
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
        await delay(100)
      }
    }),
  )
  const acts: Record<string, (classId: string) => Promise<unknown>> = {
    'down and up': async (classId) => {
      await service.post('/room/down-class', { classId })
      await service.post('/room/up-class', { classId })
    },
    snapshot: (classId) => service.post('/room/collect-class', { classId }),
    'all programs of a class die': (classId) =>
      Promise.all(students.map((student) => tryDocker(['kill', `class-${classId}--${student}`]))).then(() =>
        service.post('/room/up-class', { classId }),
      ),
    'the engine restarts all of a class': (classId) =>
      tryDocker(['restart', '-t', '0', ...students.map((student) => `class-${classId}--${student}`)]),
    'a freeze by hand': async (classId) => {
      const name = `class-${classId}--${students[randomInt(students.length)]}`
      await tryDocker(['pause', name])
      await delay(1_500)
      await tryDocker(['unpause', name])
    },
    'Traefik restarts': () => tryDocker(['restart', '-t', '0', traefik.name]),
    'Traefik is made anew': () => traefik.renew(),
    'the service restarts': async () => {
      await service.kill()
      service = await site.start({ waitFor: '/healthz' })
    },
    'two classes change places': async (classId) => {
      const other = classes.find((each) => each !== classId) ?? ''
      for (const each of [classId, other]) await service.post('/room/down-class', { classId: each })
      for (const each of [other, classId]) await service.post('/room/up-class', { classId: each })
    },
  }
  while (Date.now() < until) {
    const names = Object.keys(acts)
    const name = names[randomInt(names.length)] ?? ''
    await acts[name]?.(classes[randomInt(classes.length)] ?? '')
    done.push(name)
  }
  ended = true
  await Promise.all(visitors)
  for (const classId of classes) await service.post('/room/down-class', { classId })
} finally {
  for (const work of works.reverse()) await work()
}
const told = [...answers].sort().map(([answer, times]) => `${answer}: ${times}`)
console.log(
  `pages: ${done.length} acts in ${minutes} minutes; answers: ${told.join(', ')}; ${foreign.length} foreign pages`,
)
for (const each of foreign) console.log(`pages: ${each}`)
assert.equal(foreign.length, 0)

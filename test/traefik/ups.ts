// Classes that all go up at once in front of the real Traefik: how long after each up's answer are its pages there?
// Usage: ups.ts CLASSES. Prints the times; fails where an endpoint was called ready and its page came later than a second.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { upClass } from '../support/faults.ts'
import { startTraefik, traefikEnv, traefikPlace } from '../support/real-traefik.ts'
import { install } from '../support/service.ts'

const count = Number(process.argv[2])
if (!(count > 0)) throw new Error('Usage: ups.ts CLASSES')

const allowedMs = 1_000
const classes = Array.from({ length: count }, (_, index) => `c${index + 1}`)
const students = studentsOf(2)
const page = `mkdir -p /tmp/www; printf '%s' "$HOSTNAME" >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www`

interface Seen {
  readonly name: string
  readonly state: string | null
  /** From the call to its answer, and from there to the page. */
  readonly answerMs: number
  readonly pageMs: number
  /** What was answered in the place of the page. */
  readonly before: ReadonlySet<number>
}

const works: (() => Promise<void>)[] = []
const place = await traefikPlace('proof-ups', 18_083)
const site = await install(
  { after: (work) => void works.push(work) },
  {
    ...{ name: 'proof-ups', store: 'directory', subnets: '10.214.0.0/16' },
    catalogue: catalogueOf(Object.fromEntries(classes.map((each) => [each, students])), {
      command: ['sh', '-c', page],
    }),
    env: { ...traefikEnv(place), SWEEP_SECONDS: '15' },
  },
)
let seen: Seen[] = []
try {
  const traefik = await startTraefik(site, place)
  const service = await site.start()
  const began = performance.now()
  const showClass = async (classId: string): Promise<Seen[]> => {
    const { students: up } = await upClass(service, classId)
    const answered = performance.now()
    const show = async ({ studentId, endpointState }: (typeof up)[number]): Promise<Seen> => {
      const name = `${studentId}--${classId}`
      const before = new Set<number>()
      for (;;) {
        const { status, body } = await traefik.get(`${name}.lab.localhost`, '/', { timeoutMs: 60_000 })
        const now = performance.now()
        if (status === 200) {
          assert.equal(body, studentId, name)
          return { name, state: endpointState, answerMs: answered - began, pageMs: now - answered, before }
        }
        before.add(status)
        assert.ok(now - answered < 60_000, `${name} answers ${status} a minute after the up`)
        await delay(50)
      }
    }
    return await Promise.all(up.map(show))
  }
  seen = (await Promise.all(classes.map(showClass))).flat()
} finally {
  for (const work of works.reverse()) await work()
}

const times = (pick: (each: Seen) => number): string => {
  const sorted = seen.map(pick).sort((a, b) => a - b)
  const at = (share: number): string =>
    ((sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN) / 1_000).toFixed(2)
  return `median ${at(0.5)} s, last ${at(1)} s`
}
const late = seen.filter(({ pageMs }) => pageMs > allowedMs)
const ready = seen.filter(({ state }) => state === 'ready')
console.log(
  `ups: ${count} classes at once, ${seen.length} pages; the answer after ${times(({ answerMs }) => answerMs)}; ` +
    `the page after its answer ${times(({ pageMs }) => pageMs)}; ${ready.length} were ready; ${late.length} later than 1 s`,
)
for (const { name, state, pageMs, before } of late) {
  console.log(`ups: ${name} (${state}): ${(pageMs / 1_000).toFixed(2)} s, until then ${[...before]}`)
}
assert.deepEqual(
  late.filter(({ state }) => state === 'ready'),
  [],
)

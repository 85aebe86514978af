// The demo's story: `demo-class.ts FOLDER [TRAEFIK]`, on the engine at DOCKER_HOST, with a stand-in or the real Traefik's program. Every line it prints was just measured or checked.
// It trusts nothing of ours: what was in the sandboxes and what is in the bags is told by busybox and by the system's sha256sum.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { bagOf, checkBag, manifestOf, parseSums, recordedIn, showBag } from './demo-bags.ts'
import { whatNext } from './demo-next.ts'
import { freePort, type Service, startService } from './demo-service.ts'
import { createStage } from './demo-stage.ts'
import { demoStore } from './demo-store.ts'
import { gatewayOf, startTraefik, visit } from './demo-traefik.ts'

const classId = 'os101-a'
const students = ['SV001', 'SV002', 'SV003', 'SV004', 'SV005', 'SV006']
/** Came to class and wrote nothing: gets a bag too, of logs only. */
const idleStudent = 'SV006'
const port = 8080

const UpAnswer = Type.Object({
  sessionId: Type.String(),
  state: Type.Literal('up'),
  network: Type.String(),
  students: Type.Array(
    Type.Object({
      studentId: Type.String(),
      containerId: Type.String(),
      containerName: Type.String(),
      endpoint: Type.String(),
    }),
  ),
})

const Row = Type.Object({
  studentId: Type.String(),
  bag: Type.String(),
  files: Type.Integer(),
  bytes: Type.Integer(),
  manifestSha256: Type.String(),
})
type Row = Static<typeof Row>

const DownAnswer = Type.Object({
  state: Type.Literal('down'),
  artifacts: Type.Object({ store: Type.String(), prefix: Type.String() }),
  students: Type.Array(Row),
  leaked: Type.Array(Type.Unknown(), { maxItems: 0 }),
})

/** A student's half hour: $1 is the student, $2 the size of the data in KiB. */
const work = `
  set -e
  cd /home/student
  mkdir -p 'bài tập/tuần 1' 'thư mục trống'
  printf '#include <stdio.h>\\nint main(void) { puts("%s"); }\\n' "$1" >'bài tập/tuần 1/giải thuật.c'
  ln 'bài tập/tuần 1/giải thuật.c' 'bản sao.c'
  ln -s 'bài tập' 'lối tắt'
  dd if=/dev/urandom of='dữ liệu.bin' bs=1024 count="$2" 2>/dev/null
  echo "Xin chào, tôi là $1" >index.html
  httpd -p ${port} -h /home/student
`

const [folder, traefik] = process.argv.slice(2)
if (folder === undefined) throw new Error('Usage: demo-class.ts FOLDER [TRAEFIK]')
const store = demoStore(folder)

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)))
const { signal } = interrupted

const installation = `demo-${randomBytes(4).toString('hex')}`
const proxy = `class-runtime-${installation}-traefik`
const routesToken = randomBytes(16).toString('hex')
const stage = createStage(installation, proxy, signal)

let service: Service | undefined
let polling: NodeJS.Timeout | undefined
try {
  await tellStory()
  console.log('\nscripts/demo: done, and everything it promised was checked')
  console.log(whatNext)
} catch (error) {
  const reason = signal.aborted ? signal.reason : error
  console.error(`\nscripts/demo: ${reason instanceof Error ? reason.message : reason}`)
  process.exitCode = 1
} finally {
  clearInterval(polling)
  await service?.stop()
  await stage.cleanUp()
}

/** What Traefik does by itself: an up answers when its routes are used, which a health check in them shows. */
function askForRoutes(address: string): NodeJS.Timeout {
  const headers = { authorization: `Bearer ${routesToken}` }
  const ask = async () => {
    const routes = await (await fetch(`${address}/room/traefik`, { headers })).text()
    const [sign] = /\/room\/traefik\/in-use\/[\w-]+/.exec(routes) ?? []
    if (sign !== undefined) await fetch(address + sign)
  }
  return setInterval(() => void ask().catch(() => undefined), 500)
}

async function tellStory(): Promise<void> {
  let began = performance.now()
  const told = (text: string) => {
    console.log(`[${((performance.now() - began) / 1000).toFixed(1).padStart(4)} s] ${text}`)
    began = performance.now()
  }

  const image = await stage.labImage()
  const routesListen = traefik && `${await gatewayOf(stage.engine)}:${await freePort()}`
  const proxyId =
    traefik && routesListen
      ? await startTraefik(stage.engine, traefik, { name: proxy, token: routesToken, routesListen })
      : await stage.startStandIn(image)
  told(`lab image ${image}; ${traefik ? 'Traefik' : 'a container stands in for Traefik'}: ${proxy} ${short(proxyId)}`)

  service = await startService(
    {
      CATALOGUE: writeCatalogue(image),
      ...store.settings,
      INSTALLATION_ID: installation,
      TRAEFIK_CONTAINER: proxy,
      TRAEFIK_TOKEN: routesToken,
      ...(routesListen ? { ROUTES_LISTEN: routesListen } : {}),
    },
    join(String(folder), 'service.log'),
    signal,
  )
  if (!traefik) polling = askForRoutes(service.address)
  told(`the service listens on ${service.address}, its store is ${store.name}`)

  const up = await service.post('/room/up-class', { classId }, UpAnswer)
  told(`POST /room/up-class {"classId":"${classId}"}: session ${up.sessionId}, network ${up.network}`)
  for (const { studentId, containerName, containerId, endpoint } of up.students) {
    console.log(`  ${studentId}  ${containerName} ${short(containerId)}  ${endpoint}`)
  }
  check(up.students.length === students.length, `each of the ${students.length} students has a sandbox`)

  const written = new Map<string, Map<string, string>>()
  for (const [index, { studentId, containerId }] of up.students.entries()) {
    if (studentId !== idleStudent) await stage.run(containerId, 'sh', '-c', work, 'sh', studentId, String(64 << index))
    const sums = await stage.run(containerId, 'find', '/home/student', '-type', 'f', '-exec', 'sha256sum', '{}', '+')
    written.set(studentId, parseSums(sums))
  }
  told('the students worked: files with Vietnamese names, a hard link, a symlink, an empty folder, a web server')

  const [first] = up.students
  if (first === undefined) throw new Error('no student')
  if (traefik) {
    for (const { studentId, endpoint } of up.students.filter((each) => each.studentId !== idleStudent)) {
      const page = await visit(stage.engine, proxyId, endpoint)
      check(page.includes(studentId), `through Traefik, ${endpoint} answers: ${page.trim()}`)
    }
  } else {
    const { NetworkSettings } = await stage.engine.containers.inspect(first.containerId, { signal })
    const address = NetworkSettings.Networks?.[up.network]?.IPAddress
    const page = await stage.run(proxyId, 'wget', '-q', '-O', '-', `http://${address}:${port}/index.html`)
    told(`from inside the stand-in, http://${address}:${port}/index.html answers: ${page.trim()}`)
    check(page.includes(first.studentId), `Traefik can reach the sandbox of ${first.studentId}`)
  }

  const down = await service.post('/room/down-class', { classId }, DownAnswer)
  told(`POST /room/down-class {"classId":"${classId}"}: state ${down.state}, bags in ${down.artifacts.store}`)
  check(down.students.length === students.length, `each of the ${students.length} students has a bag`)
  const bags = await store.bags()
  showBag(bags, first.studentId, bagOf(down.students, first.studentId))
  for (const row of down.students) proveBag(bags, row, written.get(row.studentId))
  told('sha256sum has read every bag')

  check((await stage.remains()).length === 0, 'no sandbox, volume or network of the class is left on the engine')
  const { NetworkSettings: after } = await stage.engine.containers.inspect(proxyId, { signal })
  check(
    after.Networks?.[up.network] === undefined,
    `${traefik ? 'Traefik' : 'the stand-in'} is detached from the class network`,
  )
}

/** `sums`: path in the sandbox to SHA-256, as taken there while it ran. */
function proveBag(bags: string, row: Row, sums: ReadonlyMap<string, string> | undefined): void {
  const { studentId, files, bytes, manifestSha256 } = row
  if (sums === undefined) throw new Error(`a bag of ${studentId}, who was not there`)
  const bag = join(bags, row.bag)
  const payloadFiles = checkBag(bag)
  const manifest = manifestOf(bag)
  const unchanged = [...sums].filter(
    ([path, sum]) => manifest.get(path.replace('/home/student/', 'data/workspace/')) === sum,
  )
  const recorded = recordedIn(bag)
  const isRecorded = recorded.includes('lối tắt -> bài tập') && recorded.includes('thư mục trống/')
  check(
    unchanged.length === sums.size && payloadFiles === sums.size + 2 && (isRecorded || studentId === idleStudent),
    `${studentId}: ${files} files, ${bytes} bytes, manifest ${short(manifestSha256)}: sha256sum accepts the bag; ` +
      'it holds the files of the sandbox unchanged, and 2 logs',
  )
}

/** The operator's file: one lab, one subject, one class. */
function writeCatalogue(image: string): string {
  const lab = {
    image,
    command: ['sleep', 'infinity'],
    user: '1000:1000',
    workspace: '/home/student',
    port,
    cpus: 0.5,
    memoryMb: 64,
    pids: 64,
    stopSeconds: 1,
  }
  const catalogue = {
    labs: { 'linux-shell': lab },
    subjects: { os101: { labs: ['linux-shell'] } },
    classes: { [classId]: { subject: 'os101', teachers: ['t-lan'], students, lab: 'linux-shell' } },
  }
  const file = join(String(folder), 'catalogue.json')
  writeFileSync(file, JSON.stringify(catalogue, null, 2))
  return file
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`this does not hold: ${promise}`)
  console.log(`  checked: ${promise}`)
}

function short(id: string): string {
  return id.slice(0, 12)
}

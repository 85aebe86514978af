// scripts/curl.md against a real engine: every line of it, in its order and in one shell, on a class that the real service brought
// up; and the lines that the service itself prints at LOG_LEVEL=trace.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { endpoints } from '../../engine-api/index.ts'
import { catalogueOf, image } from '../support/catalogue.ts'
import { type Block, curlPage } from '../support/curl-page.ts'
import { containersOf, docker, leftovers, removeAll, shell } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { engineHost, skipWithoutEngine } from '../support/live.ts'
import { install, type Service } from '../support/service.ts'
import { notOfTheService } from '../support/service-endpoints.ts'
import { shaped } from '../support/shape.ts'

const skipWithoutCurl = spawnSync('curl', ['--version']).error === undefined ? false : 'curl is not installed'
const skip = skipWithoutEngine || skipWithoutCurl

const lab = {
  command: ['sh', '-c', 'echo started; echo "a warning" >&2; exec sleep infinity'],
  env: { TOKEN: 'hunter2' },
}

async function installWithProxy(t: Parameters<typeof install>[0], name: string, subnets: string) {
  const proxy = `stand-in-${name}-${process.pid}`
  const catalogue = catalogueOf({ [name]: ['S01'] }, lab)
  const env = { TRAEFIK_CONTAINER: proxy, LOG_LEVEL: 'trace' }
  const site = await install(t, { name, store: 'directory', subnets, catalogue, env })
  await docker(['run', '-d', '--name', proxy, '--label', site.testLabel, image, 'sleep', 'infinity'])
  return { site, proxy }
}

interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Gives a script to a shell as its input, which is what pasting does. */
async function paste(command: readonly [string, ...string[]], script: string, cwd: string): Promise<Ran> {
  const child = spawn(command[0], command.slice(1), { cwd, stdio: 'pipe' })
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => (printed[stream] += text))
  }
  child.stdin.end(script)
  await once(child, 'close')
  return { exitCode: child.exitCode, ...printed }
}

/** The page's blocks as one script with these variables in place of the page's own. Bash, for its `pipefail`. */
function scriptOf(blocks: readonly Block[], variables: Readonly<Record<string, string>>): string {
  let script = blocks.map(({ code }, index) => `echo "== block ${index}"\n${code}`).join('')
  for (const [name, value] of Object.entries(variables)) {
    const assignment = new RegExp(`^${name}=\\S+`, 'm')
    assert.match(script, assignment)
    script = script.replace(assignment, () => `${name}='${value}'`)
  }
  return `set -euo pipefail\ntrap 'echo "FAILED: $BASH_COMMAND" >&2' ERR\n${script}`
}

test('scripts/curl.md', { skip }, async (t) => {
  const { site, proxy } = await installWithProxy(t, 'curl', '10.231.0.0/24')
  t.after(() => removeAll('class-runtime-trial=curl'))
  const service = await site.start()
  await upClass(service, 'curl')
  const work = Buffer.concat([Buffer.from('Bài tập của Ánh\n'), Buffer.alloc(100_000)])
  await shell(
    'class-curl--s01',
    "printf 'Bài tập của Ánh\\n' >report.txt; dd if=/dev/zero bs=1000 count=100 >>report.txt",
  )
  assert.equal(await service.stop(), 0)

  const variables = {
    SOCK: engineHost().replace('unix://', ''),
    INSTALLATION: site.id,
    TRAEFIK: proxy,
    CLASS: 'curl',
    STUDENT: 'S01',
    IMAGE: image,
  }
  const page = curlPage()
  const folder = join(site.folder, 'by-hand')
  await mkdir(folder)
  const ran = await paste(
    ['bash'],
    scriptOf(
      page.filter(({ needsRegistry }) => !needsRegistry),
      variables,
    ),
    folder,
  )
  const fileOf = (name: string): Promise<Buffer> => readFile(join(folder, name))

  await t.test('every line works, in order, in one shell', () => {
    assert.equal(ran.exitCode, 0, `${ran.stderr}\n${ran.stdout}`)
    assert.doesNotMatch(ran.stderr, /^(curl|tar|cmp):/m)
  })
  await t.test('its answers are those that it promises', () => {
    for (const promised of [/^Api-Version: 1\.\d+/m, /"State":\{"Status":"running"/, /report\.txt/, /"ExitCode":0/]) {
      assert.match(ran.stdout, promised)
    }
    assert.match(ran.stdout, new RegExp(`"Containers":\\{.*${proxy}`))
    assert.match(ran.stdout, /^\d{4}-\S+Z started$/m)
    assert.match(ran.stderr, /^\d{4}-\S+Z a warning$/m)
  })
  await t.test('one file comes out unchanged', async () => {
    assert.ok(work.equals(await fileOf('one-file')))
  })
  await t.test('taken down by hand, the work is safe in files and nothing of the class is on the engine', async () => {
    const held = spawnSync('tar', ['-xOf', join(folder, 'class-curl--s01.tar'), 'student/report.txt'])
    assert.ok(work.equals(held.stdout))
    assert.equal((await fileOf('class-curl--s01.stdout.log')).toString(), 'started\n')
    assert.equal((await fileOf('class-curl--s01.stderr.log')).toString(), 'a warning\n')
    const digest = createHash('sha256')
      .update(await fileOf('class-curl--s01.tar'))
      .digest('hex')
    assert.match(
      (await fileOf('class-curl--s01.sha256')).toString(),
      new RegExp(`^${digest}  class-curl--s01\\.tar$`, 'm'),
    )
    assert.deepEqual(await leftovers(site.label), [])
    assert.deepEqual(await leftovers('class-runtime-trial=curl'), [])
  })
  await t.test('its look at the tar accepts no cut one', async () => {
    const whole = await fileOf('class-curl--s01.tar')
    const checks = page
      .flatMap(({ code }) => code.split('\n'))
      .filter((line) => /^(test -z|tar .*block-number)/.test(line))
    assert.equal(checks.length, 2)
    const accepts = async (length: number) => {
      await writeFile(join(folder, 'cut.tar'), whole.subarray(0, length))
      return (await paste(['bash'], ['set -e -o pipefail', 'TAR=cut.tar', ...checks].join('\n'), folder)).exitCode === 0
    }
    assert.equal(await accepts(whole.length), true)
    const cuts = [whole.length - 1, whole.length - 512, whole.length - 1024, whole.length - 1536, 50_000, 512, 100, 0]
    for (const cut of cuts) assert.equal(await accepts(cut), false, `cut at ${cut} of ${whole.length}`)
  })
  await t.test('its pull reaches the registry that the image names', async () => {
    const blocks = page.filter(
      ({ needsRegistry }, index) => needsRegistry || index < 2 || /^API=/.test(page[index]?.code ?? ''),
    )
    const pull = await paste(['bash'], scriptOf(blocks, { ...variables, IMAGE: '127.0.0.1:9/absent:one' }), folder)
    assert.equal(pull.exitCode, 22, pull.stderr)
    assert.match(pull.stdout, /127\.0\.0\.1:9\/.*(refused|unreachable)/)
  })
})

const TraceLine = Type.Object({
  endpoint: Type.String(),
  method: Type.String(),
  path: Type.String(),
  curl: Type.String(),
})
const Listed = Type.Array(Type.Object({ Id: Type.String(), Names: Type.Array(Type.String()) }))

/** What the service printed of its engine calls. */
const callsIn = (service: Service) =>
  service
    .logs()
    .split('\n')
    .filter((line) => line.includes('"curl":'))
    .map((line) => shaped(TraceLine, JSON.parse(line)))

test('LOG_LEVEL=trace prints each engine call as the line that repeats it, without secrets', { skip }, async (t) => {
  const { site } = await installWithProxy(t, 'trace', '10.232.0.0/24')
  const service = await site.start()
  await upClass(service, 'trace')
  const calls = callsIn(service)

  await t.test('a printed GET gives what the engine gives', async () => {
    const list = calls.filter(({ endpoint, path }) => endpoint === 'container-list' && path.endsWith('/json')).at(-1)
    const ran = await paste(['sh'], `${list?.curl} --silent`, site.folder)
    assert.equal(ran.exitCode, 0, ran.stderr)
    const ids = shaped(Listed, JSON.parse(ran.stdout)).map(({ Id }) => Id)
    assert.deepEqual(ids, await containersOf(site.label))
    assert.equal(ids.length, 1)
  })
  await t.test('a printed POST is the same call: the second create of one network is refused by its name', async () => {
    const create = calls.find(({ endpoint }) => endpoint === 'network-create')
    const ran = await paste(['sh'], `${create?.curl} --silent --write-out '%{http_code}'`, site.folder)
    assert.match(ran.stdout, /network with name class-trace already exists.*409$/s)
  })
  await t.test('the lab has a secret, and the log does not', async () => {
    const create = calls.find(({ endpoint }) => endpoint === 'container-create')
    assert.match(create?.curl ?? '', /"Env":\["HOME=\[secret\]","TOKEN=\[secret\]"\]/)
    await downClass(service, 'trace')
    assert.doesNotMatch(service.logs(), /hunter2/)
  })
  await t.test('no call of an up and a down is one that scripts/curl.md leaves out', () => {
    const made = new Set(callsIn(service).map(({ endpoint }) => endpoint))
    assert.ok(made.has('archive-get') && made.has('network-remove'))
    assert.deepEqual(
      [...made].filter((name) => notOfTheService.has(name) || !endpoints.some((each) => each.name === name)),
      [],
    )
  })
})

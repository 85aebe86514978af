// The README and docs/: what is made from the code is up to date, links and paths lead somewhere, and every shell block runs.
// A block runs as it stands, in a checkout and against a service whose engine is in memory; only its address is another one.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { calls } from '../../src/http/calls/index.ts'
import { commandsOf, docPages, fencedIn, type Page, root } from '../support/doc-pages.ts'
import { openService } from '../support/memory-service.ts'
import { bearer, portalAuth } from '../support/tokens.ts'

const pages = docPages()
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** What no block may run here, and the file that runs it; without one the page itself must say that no test does. */
const ranElsewhere: readonly { readonly command: RegExp; readonly by?: string; readonly says?: RegExp }[] = [
  { command: /^scripts\/demo$/, by: 'test/scripts/demo.test.ts', says: /scripts\/demo/ },
  { command: /^scripts\/test$/, by: '.ci/run', says: /scripts\/test/ },
  { command: /^npm ci$/, by: 'scripts/install', says: /\bnpm ci\b/ },
  { command: /^npm run check$/, by: 'scripts/test', says: /npm run --silent types/ },
  {
    command: /^node --import tsx scripts\/run-tests\.ts /,
    by: 'test/scripts/run-tests.test.ts',
    says: /run-tests\.ts/,
  },
  { command: /^docker (?:build|run) / },
  { command: /^ip6?tables / },
]

const elsewhere = (command: string) => ranElsewhere.find((each) => each.command.test(command))

test('the README has at most 8 KiB', () => {
  assert.ok(Buffer.byteLength(readme) <= 8192, `${Buffer.byteLength(readme)} bytes`)
})

test('the pages and the table that are made from the code are up to date', () => {
  const script = ['--import', 'tsx', 'scripts/docs.ts', '--check']
  const { status, stderr } = spawnSync(process.execPath, script, { cwd: root, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('the README has every call in its table, and the page for portals explains each class action', () => {
  for (const { method, url } of calls) assert.ok(readme.includes(`| \`${method} ${url}\` |`), url)
  assert.match(readme, /Adding a call is one file in `src\/http\/calls\/`, a line in its `index\.ts`, and its test\./)
  const portal = readFileSync(join(root, 'docs/portal.md'), 'utf8')
  for (const { method, url } of calls) if (method === 'POST') assert.ok(portal.includes(`| \`POST ${url}\``), url)
})

/** The anchor that a heading has on GitHub. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-')

for (const { file, text } of pages) {
  test(`${file}: each link leads to a file that is there, and to a heading of it`, () => {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const linked = join(root, dirname(file), path)
      const found = path === '' ? join(root, file) : linked
      assert.ok(existsSync(found), target)
      if (anchor === undefined) continue
      const headings = [...readFileSync(found, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
      assert.ok(headings.map(anchorOf).includes(anchor), target)
    }
  })

  test(`${file}: each file and folder of the repository that it names is there`, () => {
    for (const [, path = ''] of text.matchAll(/`((?:src|engine-api|test|scripts|fixtures|docs)\/[\w./-]*)`/g)) {
      assert.ok(existsSync(join(root, path)), path)
    }
  })

  test(`${file}: each block says whether it is a command, and each command that runs nowhere here says what runs it`, () => {
    assert.doesNotMatch(text.replaceAll(/^```.*?^```$/gms, ''), /^ {4}\S/m)
    for (const { language, code } of fencedIn({ file, text })) {
      assert.ok(['sh', 'json', 'text'].includes(language), `a block of '${language}'`)
      if (language !== 'sh') continue
      for (const command of commandsOf(code)) {
        const listed = elsewhere(command)
        if (!listed) continue
        if (listed.by === undefined) assert.match(text, /[Nn]o test (?:runs|builds)/, `${command}: the page hides that`)
        else assert.match(readFileSync(join(root, listed.by), 'utf8'), listed.says ?? /^$/, command)
      }
    }
  })
}

test('every entry of the list is a command that stands in a page', () => {
  const commands = pages.flatMap((page) =>
    fencedIn(page).flatMap(({ language, code }) => (language === 'sh' ? commandsOf(code) : [])),
  )
  for (const { command } of ranElsewhere)
    assert.ok(
      commands.some((each) => command.test(each)),
      `${command}`,
    )
})

/** A folder with all of the repository in it, where what a block writes is nobody's. */
async function checkout(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const name of readdirSync(root)) {
    if (!/^(?:\.git|\.local|artifacts|catalogue\.json)$/.test(name)) symlinkSync(join(root, name), join(folder, name))
  }
  return folder
}

const ownEnvironment = (): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:MINIO|AUTH|TRAEFIK|DOCKER)_|^(?:INIT_CWD|NODE_TEST_CONTEXT)$/.test(name),
    ),
  )

/** Runs a script in bash, with the pages' address led to the service at `port`. */
async function run(script: string, cwd: string, env: Readonly<Record<string, string>>) {
  const prelude = `set -euo pipefail
curl() { command curl --fail-with-body "\${@//localhost:8080/127.0.0.1:$PORT}"; }
`
  const child = spawn('bash', ['-c', prelude + script], { cwd, env: { ...ownEnvironment(), ...env }, stdio: 'pipe' })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text))
  await once(child, 'close')
  return { status: child.exitCode, printed }
}

/** Runs what starts a service, with no engine behind it, until that says what it uses; then it is asked to stop. */
async function start(script: string, cwd: string): Promise<string> {
  const env = { ...ownEnvironment(), LISTEN: join(cwd, 'listen'), DOCKER_HOST: `unix://${cwd}/no-engine` }
  const child = spawn('bash', ['-c', `set -e\n${script}`], { cwd, env, stdio: 'pipe', detached: true })
  const closed = once(child, 'close')
  let printed = ''
  const started = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        printed += text
        if (printed.includes('this is what the service uses')) resolve()
      })
    }
  })
  await Promise.race([started, closed])
  if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
  await closed
  return printed
}

/** A service that takes the class of the example catalogue up and down, with one class that is over already. */
async function openExample(t: TestContext, page: Page) {
  const auth = page.file === 'docs/portal.md' ? portalAuth : undefined
  const { app, post, editCatalogue, ofClass } = await openService(t, {}, auth)
  await editCatalogue(readFileSync(join(root, 'fixtures/catalogue.example.json'), 'utf8'))
  const token = bearer('t-lan', 'teacher')
  await post('/room/up-class', { classId: 'os101-a' }, token)
  const down = await post('/room/down-class', { classId: 'os101-a' }, token)
  assert.equal(down.statusCode, 200, down.body)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  const receipt: string = down.json().students[0].manifestSha256
  const env = {
    PORT: String(typeof address === 'object' ? address?.port : ''),
    TOKEN: token.authorization.replace('Bearer ', ''),
    RECEIPT: receipt,
    ARTIFACTS_DIR: ofClass.folder,
  }
  return { env, bags: join(ofClass.folder, 'os101-a') }
}

const skip = spawnSync('curl', ['--version']).error === undefined ? false : 'curl is not installed'

const seen = new Set<string>()
for (const page of pages) {
  const blocks = fencedIn(page).flatMap(({ language, code }) => {
    const commands = language === 'sh' ? commandsOf(code).filter((command) => !elsewhere(command)) : []
    const block = commands.join('\n')
    // The same block on another page is the same run.
    if (block === '' || seen.has(block)) return []
    seen.add(block)
    return [block]
  })
  if (blocks.length === 0) continue
  test(`${page.file}: its shell blocks run as they stand`, { skip }, async (t) => {
    const folder = await checkout(t)
    const { env, bags } = await openExample(t, page)
    symlinkSync(bags, join(folder, 'os101-a'))
    for (const block of blocks) {
      if (block.includes('npm start')) {
        assert.match(await start(block, folder), /this is what the service uses/, block)
        continue
      }
      const { status, printed } = await run(block, folder, env)
      assert.equal(status, 0, `${block}\n${printed}`)
    }
  })
}

// Every shell block of the README and docs/ runs: as it stands, in a checkout and against a service whose engine is in memory;
// only its address is another one.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { commandsOf, docPages, elsewhere, fencedIn, type Page, root } from '../support/doc-pages.ts'
import { openService } from '../support/memory-service.ts'
import { bearer, portalAuth } from '../support/tokens.ts'

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
for (const page of docPages()) {
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

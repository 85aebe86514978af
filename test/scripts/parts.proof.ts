// scripts/parts with the real recipe of one part, and a `go` that builds nothing and writes down what it is asked.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

const scripts = resolve(import.meta.dirname, '../../scripts')

/** All that scripts/parts and its recipes run but a compiler: PATH is these alone, so that no `go` of the machine is found. */
const tools = 'bash cat chmod cp cut dirname du env grep mkdir mktemp mv realpath rm sha256sum sleep tail'.split(' ')

/** Its module cache is read only, as the real one is. The file `refuses` makes it fail, `hangs` makes its build take for ever. */
const fakeGo = `#!/usr/bin/env bash
place=$(dirname -- "$(realpath -- "$0")")
echo "$*" >>"$place/asked"
if [[ -e $place/refuses ]]; then
  printf 'go: downloading example.com/a v1.0.0\\ngo: example.com/a@v1.0.0: 403 Forbidden\\n' >&2
  exit 1
fi
case $1 in
  mod)
    dns=$place/cache/$3/providers/dns
    mkdir -p "$dns"
    echo 'package dns' >"$dns/many.go"
    chmod -R a-w "$place/cache/$3"
    ;;
  env) echo "$place/cache" ;;
  build)
    while [[ $1 != -o ]]; do shift; done
    cat go.mod ext/*.go lego/providers/dns/* >"$2"
    if [[ -e $place/hangs ]]; then
      echo $$ >"$place/started"
      mv "$place/started" "$place/hanging"
      sleep 600
    fi
    ;;
esac
`

/** A repository with nothing in it but scripts/parts and the recipe of Traefik, on a machine with a fake Go. */
function machine(t: TestContext) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'parts-')))
  const inRoot = (name: string): string => join(root, name)
  t.after(() => {
    spawnSync('chmod', ['-R', 'u+w', root])
    rmSync(root, { recursive: true })
  })
  for (const folder of ['bin', 'go', 'scripts/parts.d']) mkdirSync(inRoot(folder), { recursive: true })
  for (const tool of tools) {
    const { stdout } = spawnSync('bash', ['-c', 'type -P "$1"', 'bash', tool], { encoding: 'utf8' })
    symlinkSync(stdout.trim(), inRoot(`bin/${tool}`))
  }
  for (const file of ['parts', 'parts.d/traefik']) copyFileSync(join(scripts, file), inRoot(`scripts/${file}`))
  writeFileSync(inRoot('go/go'), fakeGo)
  chmodSync(inRoot('go/go'), 0o755)

  const folder = inRoot('.local/parts')
  const command = inRoot('scripts/parts')
  const env = { PATH: `${inRoot('go')}:${inRoot('bin')}`, HOME: root }
  const options = (more: Readonly<Record<string, string>>) => ({ cwd: root, env: { ...env, ...more } })
  return {
    folder,
    inRoot,
    withoutGo: { PATH: inRoot('bin') },
    run: (words: readonly string[] = [], more: Readonly<Record<string, string>> = {}) =>
      spawnSync(command, words, { ...options(more), encoding: 'utf8', timeout: 60_000 }),
    start: () => spawn(command, [], { ...options({}), stdio: ['ignore', 'ignore', 'pipe'] }),
    goDo: (what: 'refuses' | 'hangs') => writeFileSync(inRoot(`go/${what}`), ''),
    asked: () => (existsSync(inRoot('go/asked')) ? readFileSync(inRoot('go/asked'), 'utf8') : ''),
    changePin() {
      const recipe = inRoot('scripts/parts.d/traefik')
      writeFileSync(recipe, readFileSync(recipe, 'utf8').replaceAll('3.7.13', '3.7.14'))
    },
    part: () => readFileSync(join(folder, 'traefik'), 'utf8'),
    state: () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]),
  }
}

test('a part is built once, says how long it took, and leaves nothing beside it but its stamp', (t) => {
  const { run, folder, inRoot, asked, part, state } = machine(t)
  assert.equal(run(['--list']).stdout, `traefik absent ${folder}/traefik\n`)
  assert.ok(!existsSync(folder))

  const first = run()
  assert.equal(first.status, 0, first.stderr)
  assert.match(first.stderr, /traefik: building, .*\n.*traefik: built in \d+\.\d s, .*\n.*had: traefik\n$/)
  assert.match(
    part(),
    /traefik\/v3 v3\.7\.13\n[\s\S]*package ext\n[\s\S]*package dns\n[\s\S]*NewDNSChallengeProviderByName/,
  )
  assert.doesNotMatch(part(), /many/)
  assert.deepEqual(readdirSync(folder), ['traefik', 'traefik.stamp'])

  chmodSync(folder, 0o555)
  const before = [state(), asked()]
  const second = run(['traefik'])
  assert.deepEqual([second.status, second.stdout, second.stderr], [0, '', 'scripts/parts: had: traefik\n'])
  assert.deepEqual([state(), asked()], before)
  assert.equal(run(['--list', 'traefik']).stdout, `traefik had ${folder}/traefik\n`)

  assert.equal(run([], { PARTS_DIR: 'elsewhere' }).status, 0)
  assert.deepEqual(readdirSync(inRoot('elsewhere')), ['traefik', 'traefik.stamp'])
})

test('a changed pin builds the part anew', (t) => {
  const { run, folder, part, changePin } = machine(t)
  run()
  changePin()
  assert.equal(run(['--list']).stdout, `traefik old ${folder}/traefik\n`)
  assert.equal(run().status, 0)
  assert.match(part(), /v3\.7\.14/)
  assert.equal(run(['--list']).stdout, `traefik had ${folder}/traefik\n`)
})

test('a part that was a folder makes way for its new build', (t) => {
  const { run, folder, changePin, part } = machine(t)
  assert.equal(run().status, 0)
  rmSync(join(folder, 'traefik'))
  mkdirSync(join(folder, 'traefik'))
  writeFileSync(join(folder, 'traefik/old'), '')
  changePin()
  const again = run()
  assert.equal(again.status, 0, again.stderr)
  assert.ok(part().length > 0)
})

test('without Go one line names what is not had and why; only CI that had it fails', (t) => {
  const { run, folder, withoutGo, changePin } = machine(t)
  for (const more of [withoutGo, { ...withoutGo, CI: 'true' }]) {
    const { status, stderr } = run([], more)
    assert.deepEqual([status, stderr], [0, 'scripts/parts: had: none\n!!! NOT HAD: traefik (go is missing)\n'])
    assert.ok(!existsSync(folder))
  }

  run()
  assert.equal(run([], { ...withoutGo, CI: 'true' }).status, 0, 'what is there needs no Go')
  changePin()
  assert.equal(run([], withoutGo).status, 0)
  const { status, stderr } = run([], { ...withoutGo, CI: 'true' })
  assert.equal(status, 1)
  assert.match(stderr, /NOT HAD: traefik \(go is missing; the one that is there is old; it was had before/)
  rmSync(join(folder, 'traefik'))
  assert.equal(run([], { ...withoutGo, CI: 'true' }).status, 1)
})

test('what Go says when it fails is shown; only CI that had the part fails, and the old one stays', (t) => {
  const { run, folder, goDo, changePin, part } = machine(t)
  run()
  const built = part()
  goDo('refuses')
  changePin()
  const outside = run()
  assert.equal(outside.status, 0)
  assert.match(outside.stderr, /traefik: go failed after .*\ngo: example\.com\/a@v1\.0\.0: 403 Forbidden\n/)
  assert.match(
    outside.stderr,
    /\n!!! NOT HAD: traefik \(go failed, its words are above; the one that is there is old\)\n$/,
  )
  assert.doesNotMatch(outside.stderr, /downloading/)
  assert.equal(run([], { CI: 'true' }).status, 1)
  assert.equal(part(), built)
  assert.deepEqual(readdirSync(folder), ['traefik', 'traefik.stamp'])

  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  assert.equal(run([], { CI: 'true' }).status, 0, 'it was never had')
  assert.deepEqual(readdirSync(folder), [])
})

test('an interrupted build ends Go, and leaves no half part and no folder', async (t) => {
  const { start, folder, inRoot, goDo } = machine(t)
  goDo('hangs')
  const script = start()
  const closed = once(script, 'close')
  let said = ''
  script.stderr.setEncoding('utf8').on('data', (text) => (said += text))
  while (!existsSync(inRoot('go/hanging'))) {
    assert.equal(script.exitCode, null)
    await setTimeout(20)
  }
  script.kill('SIGTERM')
  assert.deepEqual(await closed, [143, null])
  assert.match(said, /^scripts\/parts: traefik: building, .*\n$/)
  assert.deepEqual(readdirSync(folder), [])
  const processInfo = `/proc/${readFileSync(inRoot('go/hanging'), 'utf8').trim()}/cmdline`
  assert.equal(existsSync(processInfo) ? readFileSync(processInfo, 'utf8') : '', '')
})

for (const name of readdirSync(join(scripts, 'parts.d'))) {
  test(`the recipe of ${name} says what it needs and takes, and builds`, () => {
    const asked = 'source "$1"; declare -p needs takes; declare -F build'
    const { stdout } = spawnSync('bash', ['-euc', asked, 'bash', join(scripts, 'parts.d', name)], { encoding: 'utf8' })
    assert.match(stdout, /^declare -- needs="\w+"\ndeclare -- takes=".+"\nbuild\n$/)
  })
}

test('a name that is no part is a wrong use', (t) => {
  const { run, asked } = machine(t)
  for (const words of [['traefikk'], ['traefik', '../parts'], [''], ['--list', 'x']]) {
    const { status, stdout, stderr } = run(words)
    assert.deepEqual([status, stdout], [2, ''], words.join())
    assert.match(stderr, /^scripts\/parts \[NAME\.\.\.\] .*\n[\s\S]*Names: traefik\./)
  }
  assert.equal(asked(), '')
})

// The README and docs/: what is made from the code is up to date, links and paths lead somewhere, and what runs each command is said.
// docs-commands.proof.ts runs them.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { madePages } from '../../scripts/docs-pages.ts'
import { calls } from '../../src/http/calls/index.ts'
import { commandsOf, docPages, elsewhere, fencedIn, ranElsewhere, root } from '../support/doc-pages.ts'

const pages = docPages()
const readme = readFileSync(join(root, 'README.md'), 'utf8')

test('the README has at most 8 KiB', () => {
  assert.ok(Buffer.byteLength(readme) <= 8192, `${Buffer.byteLength(readme)} bytes`)
})

test('the pages and the table that are made from the code are up to date', () => {
  const old = madePages.filter(({ isOld }) => isOld).map(({ file }) => file)
  assert.deepEqual(old, [], 'run: npm run docs')
})

test('the README has every call in its table, and the page for portals explains each class action', () => {
  for (const { method, url } of calls) assert.ok(readme.includes(`| \`${method} ${url}\` |`), url)
  assert.match(readme, /Adding a call is one file in `src\/http\/calls\/`, a line in its `index\.ts`, and its test\./)
  const portal = readFileSync(join(root, 'docs/portal.md'), 'utf8')
  for (const { method, url } of calls) if (method === 'POST') assert.ok(portal.includes(`| \`POST ${url}\``), url)
})

test('the page of proofs names every file that only `scripts/proof ci` runs', () => {
  const text = readFileSync(join(root, 'docs/proofs.md'), 'utf8')
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  const proofs = files.filter((name) => name.endsWith('.proof.ts')).map((name) => basename(name))
  assert.ok(proofs.length > 0)
  assert.deepEqual(
    proofs.filter((name) => !text.includes(name)),
    [],
  )
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

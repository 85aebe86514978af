// The layout of the source is held by lint: a copy of it, with each kind of wrong import planted, is refused at each of them.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'

const root = resolve(import.meta.dirname, '..')

/** The rooms of src/ from low to high. Those on one line know nothing of each other. */
const layers: readonly (readonly string[])[] = [
  ['config'],
  ['catalogue'],
  ['runtime', 'store'],
  ['bag', 'traefik'],
  ['collection'],
  ['operations'],
  ['sessions'],
  ['classes'],
  ['http'],
]

const restricted = 'lint/style/noRestrictedImports'

interface Plant {
  readonly file: string
  /** What the file imports: a path of this repository, or a package. */
  readonly imports: string
}

const layerOf = (room: string): number => layers.findIndex((layer) => layer.includes(room))
const pairs = layers.flat().flatMap((from) => layers.flat().map((to) => ({ from, to })))
const plantOf = ({ from, to }: { readonly from: string; readonly to: string }): Plant => ({
  file: `src/${from}/planted-on-${to}.ts`,
  imports: `src/${to}/planted.ts`,
})
const upward = pairs.filter(({ from, to }) => from !== to && layerOf(from) <= layerOf(to)).map(plantOf)
const downward = pairs.filter(({ from, to }) => layerOf(from) > layerOf(to)).map(plantOf)

const refused: readonly Plant[] = [
  ...upward,
  ...layers.flat().map((to) => ({ file: `src/planted-on-${to}.ts`, imports: `src/${to}/planted.ts` })),
  { file: 'src/http/planted-on-app.ts', imports: 'src/app.ts' },
  { file: 'src/app.ts', imports: 'src/server.ts' },
  { file: 'engine-api/planted-on-src.ts', imports: 'src/names.ts' },
  { file: 'engine-api/transport/transport.ts', imports: 'src/names.ts' },
  { file: 'src/http/planted-on-engine.ts', imports: 'engine-api/index.ts' },
  { file: 'src/runtime/docker/planted-past-the-door.ts', imports: 'engine-api/transport/call.ts' },
  { file: 'src/runtime/docker/planted-on-bag.ts', imports: 'src/bag/planted.ts' },
  { file: 'src/runtime/planted-on-docker.ts', imports: 'src/runtime/docker/runtime.ts' },
  { file: 'src/classes/planted-on-docker.ts', imports: 'src/runtime/docker/runtime.ts' },
  { file: 'src/store/planted-on-s3.ts', imports: 'src/store/s3/bucket.ts' },
  { file: 'src/store/directory/planted-on-s3.ts', imports: 'src/store/s3/bucket.ts' },
  { file: 'src/classes/planted-on-s3.ts', imports: 'src/store/s3/bucket.ts' },
  { file: 'src/classes/planted-on-open-store.ts', imports: 'src/store/open-store.ts' },
  { file: 'src/store/s3/planted-undici.ts', imports: 'undici' },
  { file: 'src/http/planted-undici.ts', imports: 'undici' },
  { file: 'engine-api/transport/planted-undici.ts', imports: 'undici' },
  { file: 'scripts/planted-undici.ts', imports: 'undici' },
  { file: 'src/store/s3/planted-minio.ts', imports: 'minio' },
  { file: 'src/http/auth/planted-jose.ts', imports: 'jose' },
  { file: 'src/classes/planted-fastify.ts', imports: 'fastify' },
]

/** Circles of three files, of which every import is of types alone. */
const circles = ['engine-api/tar', 'src/classes'].map((folder) =>
  [1, 2, 3].map((number) => ({
    file: `${folder}/planted-circle-${number}.ts`,
    imports: `${folder}/planted-circle-${(number % 3) + 1}.ts`,
  })),
)

const others = [
  {
    file: 'src/http/planted-environment.ts',
    text: 'export const home = process.env.HOME\n',
    rule: 'lint/style/noProcessEnv',
  },
  {
    file: 'engine-api/planted-length.ts',
    text: `export const lines = [\n${'  1,\n'.repeat(300)}]\n`,
    rule: 'lint/style/noExcessiveLinesPerFile',
  },
]

describe('lint holds the layout', () => {
  let copy = ''
  /** `rule file` of each thing that lint found. */
  let found: ReadonlySet<string>

  before(async () => {
    copy = await realpath(await mkdtemp(join(tmpdir(), 'layout-')))
    for (const part of ['src', 'engine-api', 'biome.json', '.gitignore', 'package.json', 'tsconfig.json']) {
      await cp(join(root, part), join(copy, part), { recursive: true })
    }
    await mkdir(join(copy, 'scripts'))
    for (const room of layers.flat()) await writeFile(join(copy, `src/${room}/planted.ts`), 'export type Value = 1\n')
    for (const plant of [...refused, ...downward, ...circles.flat()]) {
      await writeFile(join(copy, plant.file), textOf(plant))
    }
    for (const { file, text } of others) await writeFile(join(copy, file), text)
    found = await lint(copy)
  })
  test('the source itself is as it should be', () => {
    const planted = new Set([...refused, ...downward, ...circles.flat(), ...others].map(({ file }) => file))
    // It imports the planted app.ts, which imports it.
    planted.add('src/server.ts')
    assert.deepEqual(
      [...found].filter((each) => !planted.has(each.slice(each.indexOf(' ') + 1))),
      [],
    )
  })
  after(() => rm(copy, { recursive: true, force: true }))

  const missed = (plants: readonly { readonly file: string }[], rule: string): string[] =>
    plants.map(({ file }) => file).filter((file) => !found.has(`${rule} ${file}`))

  test('every import that is not to be is refused, of types too', () => {
    assert.deepEqual(missed(refused, restricted), [])
  })
  test('imports downward are let through', () => {
    assert.deepEqual(
      missed(downward, restricted),
      downward.map(({ file }) => file),
    )
  })
  test('a circle of types is refused at each of its files', () => {
    assert.deepEqual(missed(circles.flat(), 'lint/suspicious/noImportCycles'), [])
  })
  for (const { file, rule } of others) {
    test(`${file} is refused by ${rule}`, () => assert.deepEqual(missed([{ file }], rule), []))
  }
})

/** Every import is of a type, which is refused as well. */
function textOf({ file, imports }: Plant): string {
  const isFile = imports.endsWith('.ts')
  const path = relative(dirname(file), imports)
  const from = isFile ? (path.startsWith('.') ? path : `./${path}`) : imports
  return `import type { Value as Other } from '${from}'\n\nexport type Value = Other\n`
}

async function lint(folder: string): Promise<ReadonlySet<string>> {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--reporter=github', '--max-diagnostics=none', '.']
  const output = await new Promise<string>((done, fail) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') fail(error)
      else if (!stdout.includes('::') && error !== null) fail(new Error(stderr))
      else done(stdout)
    })
  })
  const lines = output.matchAll(/^::error title=(lint\/\S+?),file=([^,]+),/gm)
  return new Set(Array.from(lines, ([, rule = '', file = '']) => `${rule} ${relative(folder, file)}`))
}

// Test files as JavaScript that starts at once: a group of files is one bundle with all that it imports, and runs in one process.
// Within it each file is a suite of its own, so that its hooks are its own and the report says which test is whose.

import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** Absolute paths of test files, by the name of their group. */
export type Groups = ReadonlyMap<string, readonly string[]>

/** What a file is called in the report: its path in the project, which is the working directory. */
export const suiteOf = (file: string): string => relative(process.cwd(), file)

/** Writes a bundle for each group into the folder, which is in the project; returns their paths, in the order of the groups. */
export async function bundleTests(groups: Groups, folder: string): Promise<string[]> {
  await build({
    entryPoints: [...groups.keys()].map((name) => ({ in: `group:${name}`, out: name })),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    // In this format a module runs when its suite asks for it, not before.
    format: 'cjs',
    target: 'node20',
    external: ['esbuild'],
    define: Object.fromEntries(places.map((name) => [`import.meta.${name}`, `import_meta_${name}`])),
    plugins: [groupsOf(groups), keepPlaces, oneCompiler],
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'warning',
  })
  return [...groups.keys()].map((name) => join(folder, `${name}.cjs`))
}

/** The entry of a group: a suite for each of its files. */
const groupsOf = (groups: Groups): Plugin => ({
  name: 'groups',
  setup(bundler) {
    bundler.onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice('group:'.length), namespace: 'group' }))
    bundler.onLoad({ filter: /.*/, namespace: 'group' }, ({ path }) => {
      const suites = (groups.get(path) ?? []).map(
        (file) => `describe(${JSON.stringify(suiteOf(file))}, () => { require(${JSON.stringify(file)}) })`,
      )
      return {
        contents: ["const { describe } = require('node:test')", ...suites].join('\n'),
        resolveDir: process.cwd(),
      }
    })
  },
})

const places = ['dirname', 'filename', 'url'] as const

/** A module goes on to know where its source is. */
const keepPlaces: Plugin = {
  name: 'keep places',
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const values = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href }
      const named = places.map((name) => `import_meta_${name} = ${JSON.stringify(values[name])}`)
      // On the first line, so that the lines of the source keep their numbers.
      return { contents: `const ${named.join(', ')}; ${await readFile(path, 'utf8')}`, loader: 'ts' }
    })
  },
}

/** Nearly every test builds an app of its own. Those of a process share what Fastify compiles of their schemas. */
const oneCompiler: Plugin = {
  name: 'one compiler',
  setup(bundler) {
    bundler.onLoad({ filter: /@fastify\/ajv-compiler\/index\.js$/ }, async ({ path }) => {
      const shared = 'const shared = module.exports(); module.exports = () => shared'
      return { contents: `${await readFile(path, 'utf8')}\n${shared}`, loader: 'js' }
    })
  },
}

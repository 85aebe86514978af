// The service in few JavaScript files, so that a process of it starts in a third of the time that it takes from its sources.
// Made again when one of its sources is newer; kept in .local/service.

import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { type BuildResult, buildSync } from 'esbuild'

const project = resolve(import.meta.dirname, '../..')
const folder = join(project, '.local/service')
const inputsFile = join(folder, 'inputs.json')

/** `spare` is loaded before `server` where a process is to wait with its start (test/crash). */
const entries = { server: 'src/server.ts', spare: 'test/crash/spare.ts' }

/** What the service reads beside itself: the file, and where its code looks for it. */
const assets = { 'package.json': 'package.json', 'src/http/openapi/examples.json': 'src/examples.json' }

export interface BuiltService {
  readonly server: string
  readonly spare: string
}

export function builtService(): BuiltService {
  if (!isFresh()) bundle()
  return { server: join(folder, 'src/server.js'), spare: join(folder, 'src/spare.js') }
}

function isFresh(): boolean {
  const made = timeOf(inputsFile)
  if (made === undefined) return false
  const inputs: string[] = JSON.parse(readFileSync(inputsFile, 'utf8'))
  return inputs.every((input) => (timeOf(join(project, input)) ?? made) < made)
}

/** When the file was last written, in milliseconds; undefined where there is none. */
const timeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mtimeMs

function bundle(): void {
  const began = Date.now()
  const result = buildSync({
    absWorkingDir: project,
    entryPoints: entries,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Below src/, since the service finds package.json one folder above itself.
    outdir: join(folder, 'src'),
    // Packages that are CommonJS call `require` for what is Node's own.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'\nconst require = requireOf(import.meta.url)",
    },
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  mkdirSync(join(folder, 'src'), { recursive: true })
  for (const [from, to] of Object.entries(assets)) write(join(folder, to), readFileSync(join(project, from)))
  writeOutputs(result.outputFiles)
  const inputs = [
    ...Object.keys(result.metafile.inputs),
    ...Object.keys(assets),
    relative(project, import.meta.filename),
  ]
  write(inputsFile, JSON.stringify(inputs))
  console.error(`built-service: made in ${Date.now() - began} ms`)
}

/** The entries last: another process may be starting one, and what it imports must be there. */
function writeOutputs(files: BuildResult<{ write: false }>['outputFiles']): void {
  const isEntry = (path: string): boolean => basename(path).replace(/\.js$/, '') in entries
  for (const { path, contents } of files.filter((each) => !isEntry(each.path))) write(path, contents)
  for (const { path, contents } of files.filter((each) => isEntry(each.path))) write(path, contents)
}

function write(path: string, content: string | Uint8Array): void {
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, content)
  renameSync(unfinished, path)
}

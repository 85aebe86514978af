// The service in few JavaScript files, so that a process of it starts in a third of the time that it takes from its sources.
// Made again when one of its sources is newer; kept in .local/service.

import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { type BuildResult, build } from 'esbuild'

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

export async function builtService(): Promise<BuiltService> {
  if (!(await isFresh())) await bundle()
  return { server: join(folder, 'src/server.js'), spare: join(folder, 'src/spare.js') }
}

async function isFresh(): Promise<boolean> {
  const made = await stat(inputsFile).catch(() => undefined)
  if (made === undefined) return false
  const inputs: string[] = JSON.parse(await readFile(inputsFile, 'utf8'))
  const times = await Promise.all(inputs.map((input) => stat(join(project, input)).catch(() => undefined)))
  return times.every((each) => each !== undefined && each.mtimeMs < made.mtimeMs)
}

async function bundle(): Promise<void> {
  const began = Date.now()
  const result = await build({
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
  await mkdir(join(folder, 'src'), { recursive: true })
  for (const [from, to] of Object.entries(assets)) await write(join(folder, to), await readFile(join(project, from)))
  await writeOutputs(result.outputFiles)
  const inputs = [
    ...Object.keys(result.metafile.inputs),
    ...Object.keys(assets),
    relative(project, import.meta.filename),
  ]
  await write(inputsFile, JSON.stringify(inputs))
  console.error(`built-service: made in ${Date.now() - began} ms`)
}

/** The entries last: another process may be starting one, and what it imports must be there. */
async function writeOutputs(files: BuildResult<{ write: false }>['outputFiles']): Promise<void> {
  const isEntry = (path: string): boolean => basename(path).replace(/\.js$/, '') in entries
  for (const { path, contents } of files.filter((each) => !isEntry(each.path))) await write(path, contents)
  for (const { path, contents } of files.filter((each) => isEntry(each.path))) await write(path, contents)
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}`
  await writeFile(unfinished, content)
  await rename(unfinished, path)
}

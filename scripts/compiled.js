// Runs TypeScript for the tests: `node --import ./scripts/compiled.js FILE`. A file is compiled once, not by every process,
// and kept in .local/compiled until its text is another. Traces name the TypeScript file and line.
// Plain JavaScript, because nothing could load it otherwise.

import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { register } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread, threadId } from 'node:worker_threads'

const repository = join(import.meta.dirname, '..')

// Node loads this file a second time, into the thread of its module hooks: `load` is one of them.
if (isMainThread) {
  process.setSourceMapsEnabled(true)
  register(import.meta.url)
}

/** Part of what a kept text is known by: another compiler, or another setting in this file, makes another text. */
const compiler = Promise.all(
  [join(repository, 'node_modules/esbuild/package.json'), import.meta.filename].map((each) => readFile(each, 'utf8')),
)

async function compile(path, source) {
  const { transform } = await import('esbuild')
  const { code } = await transform(source, {
    ...{
      loader: 'ts',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: false,
      sourcefile: basename(path),
    },
    tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } },
  })
  return code
}

/** The compiled text of a file of this repository; another process may be at the same file. */
async function kept(path, source) {
  const place = join(repository, '.local/compiled', `${relative(repository, path)}.js`)
  const mark = `\n// ${createHash('sha256')
    .update(`${await compiler}${source}`)
    .digest('hex')}\n`
  const before = await readFile(place, 'utf8').catch(() => '')
  if (before.endsWith(mark)) return before
  const code = (await compile(path, source)) + mark
  await mkdir(dirname(place), { recursive: true })
  const unfinished = `${place}.${process.pid}.${threadId}`
  await writeFile(unfinished, code)
  await rename(unfinished, place)
  return code
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const path = fileURLToPath(url)
  const source = await readFile(path, 'utf8')
  const ours = !relative(repository, path).startsWith('..')
  return { format: 'module', source: await (ours ? kept : compile)(path, source), shortCircuit: true }
}

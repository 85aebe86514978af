// The service's image where no registry gives its base: the Dockerfile's last stage, built on a base of nothing but the Node of scripts/parts,
// with the packages that `npm ci --omit=dev` would install taken from this checkout.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Type } from '@sinclair/typebox'
import { docker } from './docker.ts'
import { shaped } from './shape.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')

const [, major] = /^ARG NODE=node:(\d+)\./m.exec(read('Dockerfile')) ?? []
const part = `node${major}`
const node = join(process.env['PARTS_DIR'] ?? join(root, '.local/parts'), part, 'node')

/** For `test(name, { skip })`. */
export const skipWithoutNode = existsSync(node) ? false : `${node} is absent: scripts/parts ${part} builds it`

async function tar(...args: string[]): Promise<Buffer> {
  const child = spawn('tar', ['--create', '--owner=0', '--group=0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const bytes = await buffer(child.stdout)
  const [code] = await closed
  if (code !== 0) throw new Error(`tar ended with ${code}`)
  return bytes
}

/** Node with the libraries of this machine that it is linked with, and nothing else. */
async function importBase(reference: string): Promise<void> {
  const { stdout } = await promisify(execFile)('ldd', [node])
  const libraries = [...stdout.matchAll(/(?<=\s)\/\S+/g)].map(([path]) => path.slice(1))
  const place = `flags=r;s,^${node.slice(1)}$,usr/local/bin/node,`
  const files = await tar('--dereference', '--transform', place, '--directory=/', node.slice(1), ...libraries)
  await docker(['import', '-', reference], files)
}

const Installed = Type.Object({
  packages: Type.Record(Type.String(), Type.Object({ dev: Type.Optional(Type.Boolean()) })),
})

/** Paths in the project; a package inside another goes with that one. */
function packagesWithoutDev(): string[] {
  const { packages } = shaped(Installed, JSON.parse(read('node_modules/.package-lock.json')))
  return Object.entries(packages).flatMap(([path, { dev = false }]) =>
    dev || path.includes('/node_modules/') ? [] : [path],
  )
}

/** The last stage, which then copies its packages from the build's own files. */
const lastStage = (): string =>
  read('Dockerfile')
    .replace(/FROM \S+ AS packages\n[\s\S]*?(?=FROM )/, '')
    .replace('COPY --from=packages /app/node_modules node_modules', 'COPY node_modules node_modules')

/** Builds the image; `folder` is for a file of this build. */
export async function buildServiceImage(reference: string, folder: string): Promise<void> {
  const base = `${reference}-base`
  await importBase(base)
  await writeFile(join(folder, 'Dockerfile'), lastStage())
  const sources = ['package.json', 'tsconfig.json', 'engine-api', 'src', ...packagesWithoutDev()]
  const files = await tar(`--directory=${root}`, ...sources, `--directory=${folder}`, 'Dockerfile')
  await docker(['build', '--tag', reference, '--build-arg', `NODE=${base}`, '-'], files)
}

/** What compose.yaml says of how the service's container is closed in, as flags of `docker run`. */
export function serviceFlags(group: number): string[] {
  const [, service = ''] = /\n {2}service:\n((?: {4}.*\n)+)/.exec(read('compose.yaml')) ?? []
  const one = (member: string): string => {
    const [, value] = new RegExp(`^ {4}${member}: (.*)$`, 'm').exec(service) ?? []
    if (value === undefined) throw new Error(`compose.yaml says no ${member} of the service`)
    return value.replace(/^\[?'?(.*?)'?\]?$/, '$1')
  }
  return [
    ...(one('init') === 'true' ? ['--init'] : []),
    ...(one('read_only') === 'true' ? ['--read-only'] : []),
    ...['--user', one('user'), '--tmpfs', one('tmpfs'), '--cap-drop', one('cap_drop')],
    ...['--security-opt', one('security_opt'), '--group-add', one('group_add').replace(/\$\{.*\}/, String(group))],
  ]
}

// A student's workspace from outside: Python of this machine, in a container of the test's own that shares the student's volume.
// What it says of a workspace before a down is what the bag must hold after it.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { image } from './catalogue.ts'
import { docker, volumesOf } from './docker.ts'
import type { Installation } from './service.ts'
import { shaped } from './shape.ts'

const Thing = Type.Object({
  path: Type.String(),
  type: Type.Union(
    (['file', 'symbolic-link', 'directory', 'fifo', 'socket'] as const).map((type) => Type.Literal(type)),
  ),
  size: Type.Integer(),
  mode: Type.String(),
  uid: Type.Integer(),
  gid: Type.Integer(),
  mtimeSeconds: Type.Integer(),
  /** Equal for two names of one file. */
  inode: Type.String(),
  sha256: Type.Optional(Type.String()),
  target: Type.Optional(Type.String()),
})

/** One thing in a workspace; `path` and a link's `target` hold one character a byte. */
export type Thing = Static<typeof Thing>

const bytesOf = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')

/** Everything in a student's workspace by its path (one character a byte, '' for the workspace itself). */
export async function readWorkspace(site: Installation, studentId: string): Promise<Map<string, Thing>> {
  const script = await readFile(join(import.meta.dirname, 'read-workspace.py'))
  const output = await python(site, studentId, ['--user=0'], script)
  const things = output.split('\n').filter(Boolean)
  return new Map(
    things.map((line): [string, Thing] => {
      const thing = shaped(Thing, JSON.parse(line))
      const target = thing.target === undefined ? {} : { target: bytesOf(thing.target) }
      return [bytesOf(thing.path), { ...thing, path: bytesOf(thing.path), ...target }]
    }),
  )
}

/** A Unix socket that the student made: busybox has no command for it. */
export async function makeSocket(site: Installation, studentId: string, path: string): Promise<void> {
  const script = `import os, socket, sys\nos.chdir(sys.argv[1])\nowner = os.stat('.')\nos.setgroups([])\nos.setgid(owner.st_gid)\nos.setuid(owner.st_uid)\nsocket.socket(socket.AF_UNIX).bind(${JSON.stringify(path)})\n`
  await python(site, studentId, ['--user=0'], script)
}

/** Runs a script whose one argument is the folder of the workspace. */
async function python(
  site: Installation,
  studentId: string,
  options: readonly string[],
  script: string | Uint8Array,
): Promise<string> {
  const [volume, ...others] = await volumesOf(site.label, `class-runtime.student=${studentId}`)
  if (volume === undefined || others.length > 0) throw new Error(`no single volume of ${studentId}`)
  const folders = ['/usr', '/lib', '/lib64'].filter(existsSync).flatMap((folder) => ['-v', `${folder}:${folder}:ro`])
  // Owners as the host counts them: an engine that remaps its users archives them so.
  const run = ['run', '--rm', '-i', '--network=none', '--userns=host', '--label', site.testLabel, ...options]
  return (
    await docker([...run, ...folders, '-v', `${volume}:/volume`, image, 'python3', '-', '/volume/student'], script)
  ).toString()
}

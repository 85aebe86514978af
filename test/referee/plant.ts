// Puts files into a sandbox past the service, by the engine's own call, and tells the referee of them.

import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { type Container, installationOf, look, studentOf } from './engine.ts'
import { type Files, tellTruth } from './truth.ts'

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** `class/session/student` of a container by its name or id, the installation that it is of, and whose its files are. */
export async function findSandbox(
  engineSocket: string,
  container: string,
): Promise<{ readonly student: string; readonly installation: string; readonly owner: Owner }> {
  const found = await look<Container>(engineSocket, `/containers/${container}/json`)
  const labels = found?.Config.Labels ?? null
  const [student, installation] = [studentOf(labels), installationOf(labels)]
  if (student === undefined || installation === undefined) throw new Error(`${container} is no sandbox`)
  const [uid = Number.NaN, gid = Number.NaN] = (found?.Config.User ?? '').split(':').map(Number)
  return { student, installation, owner: { uid, gid } }
}

/** Path below the workspace (raw bytes, at most 90 of them, of ASCII or not) -> content. Folders are made on the way. */
export type Planted = readonly (readonly [path: Uint8Array, content: Uint8Array])[]

/**
 * Unpacks the files into the workspace of a container, running or not, as the student's own; from now on they
 * are the truth of that student, and nothing else is. Resolves with it.
 */
export async function plant(
  engineSocket: string,
  truthFile: string,
  container: string,
  files: Planted,
  workspace = '/home/student',
): Promise<Files> {
  const { student, owner } = await findSandbox(engineSocket, container)
  const status = await putArchive(engineSocket, container, workspace, tarOf(files, owner))
  if (status !== 200) throw new Error(`the engine answered ${status} to the files for ${container}`)
  const truth = new Map(files.map(([path, content]) => [Buffer.from(path).toString('base64'), sha256(content)]))
  await tellTruth(truthFile, student, truth)
  return truth
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function putArchive(engineSocket: string, container: string, folder: string, tar: Buffer): Promise<number | undefined> {
  const path = `/containers/${container}/archive?path=${encodeURIComponent(folder)}`
  const headers = {
    host: 'engine',
    connection: 'keep-alive',
    'content-type': 'application/x-tar',
    'content-length': tar.length,
  }
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: engineSocket, method: 'PUT', path, headers, agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode))
    })
    sent.once('error', reject).end(tar)
  })
}

const blockBytes = 512

/** A ustar archive of these files. */
function tarOf(files: Planted, owner: Owner): Buffer {
  const blocks = files.flatMap(([path, content]) => {
    const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)
    return [headerOf(path, content.length, owner), content, padding]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)])
}

function headerOf(path: Uint8Array, size: number, { uid, gid }: Owner): Buffer {
  if (path.length > 90) throw new Error('a path of more than 90 bytes')
  const header = Buffer.alloc(blockBytes)
  header.set(path, 0)
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1')
  octal(0o644, 100, 7)
  octal(uid, 108, 7)
  octal(gid, 116, 7)
  octal(size, 124, 11)
  octal(1_700_000_000, 136, 11)
  header.write('        0', 148, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

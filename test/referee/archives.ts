// The rules of an archive call, which reads and writes files of the engine's host as root: three faults of the engine that were told in
// 2026 need a sandbox that runs meanwhile, or an archive that the engine would unpack with a program of the image.

import { type Container, installationOf, look } from './engine.ts'

/** Of an upload, what is judged: its first header. */
export const headBytes = 512

export interface ArchiveCall {
  readonly container: string
  /** Where an upload is unpacked, or what is read. */
  readonly path: string
}

/** Undefined for any other call. */
export function archiveCallOf(url: string): ArchiveCall | undefined {
  const { pathname, searchParams } = new URL(url, 'http://engine')
  const [, container] = /^(?:\/v[\d.]+)?\/containers\/([^/]+)\/archive$/.exec(pathname) ?? []
  return container === undefined ? undefined : { container, path: searchParams.get('path') ?? '' }
}

/** Why an archive must not be read or written now; `head`: the first bytes of an upload. */
export async function judgeArchive(
  engineSocket: string,
  { container, path }: ArchiveCall,
  head: Buffer | undefined,
): Promise<{ readonly rule: 'moving' | 'not-plain' | 'not-ours'; readonly detail: string } | undefined> {
  const found = await look<Container>(engineSocket, `/containers/${container}/json`)
  if (found === undefined) return undefined
  const { State, Config } = found
  if (!installationOf(Config.Labels)) return { rule: 'not-ours', detail: container }
  if ((State.Running && !State.Paused) || State.Restarting) return { rule: 'moving', detail: JSON.stringify(State) }
  const fault = head && whyNotPlain(head, path, workspaceOf(found))
  return fault === undefined ? undefined : { rule: 'not-plain', detail: fault }
}

/** As its frozen rules say, else where its programs begin. */
function workspaceOf({ Config: { Labels, WorkingDir = '' } }: Container): string {
  const collect: { workspace?: string } = JSON.parse(Labels?.['class-runtime.collect'] || '{}')
  return collect.workspace ?? WorkingDir
}

/** What engines know bzip2, gzip, xz and zstd by, whatever comes behind it. */
const compressed = ['BZh', '\x1f\x8b', '\xfd7zXZ', '\x28\xb5\x2f\xfd']

/** Undefined for a tar that is not compressed and begins with that one directory, so that nothing else decides how it is unpacked. */
export function whyNotPlain(head: Buffer, path: string, workspace: string): string | undefined {
  const [name = ''] = head.toString('latin1', 0, 100).split('\0')
  if (head.length < headBytes || head.toString('latin1', 257, 262) !== 'ustar') return 'it is no plain tar'
  if (compressed.some((magic) => name.startsWith(magic))) return `it begins as a compressed one: ${name}`
  if (head.toString('latin1', 156, 157) !== '5') return `its first entry '${name}' is no directory`
  const place = `${path.replace(/\/$/, '')}/${name.replace(/\/$/, '')}`
  return place === workspace
    ? undefined
    : `it begins with '${name}' in '${path}', not with the workspace '${workspace}'`
}

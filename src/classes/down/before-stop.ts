// What only a running sandbox can do before it is stopped or frozen.

import type { UnarchivedThing } from '../../bag/submission.ts'
import type { FrozenCollect } from '../../catalogue/frozen-lab.ts'
import type { ClassContext } from '../context.ts'

const socketSearchMs = 10_000

/** Arguments of `find`: a socket is printed once and a FIFO twice, so that one search, of any `find`, tells them apart. */
const socketsOnceFifosTwice = ['-type', 's', '-print0', '-o', '-type', 'p', '-print0', '-print0']

/** The lab's own command, and a look for what the engine's archive may leave out. */
export async function beforeStop(
  runtime: ClassContext['runtime'],
  id: string,
  frozen: FrozenCollect,
  notes: string[],
): Promise<UnarchivedThing[]> {
  const { beforeCollect } = frozen.rules
  if (beforeCollect) {
    const outcome = await tryExec(runtime, id, beforeCollect.command, beforeCollect.timeoutSeconds * 1000)
    notes.push(`beforeCollect: ${outcome.said}`)
  }
  const search = await tryExec(runtime, id, ['find', frozen.workspace, ...socketsOnceFifosTwice], socketSearchMs)
  if (search.stdout === undefined) {
    notes.push(`Sockets could not be looked for: ${search.said}`)
    return []
  }
  // Each path ends with a zero byte: what is behind the last one is part of a path.
  const paths = Buffer.from(search.stdout).toString('latin1').split('\0').slice(0, -1)
  if (search.truncated === true) notes.push('There are more sockets than could be listed: some are not named.')
  const inside = Buffer.from(`${frozen.workspace}/`).toString('latin1')
  const found = new Map<string, UnarchivedThing['type']>()
  for (const path of paths.filter((each) => each.startsWith(inside)))
    found.set(path, found.has(path) ? 'fifo' : 'socket')
  return [...found].map(([path, type]) => ({ path: path.slice(inside.length), type }))
}

/** Any failure is recorded and stops nothing: the files matter more. An engine that is gone says so at the next step. */
async function tryExec(
  runtime: ClassContext['runtime'],
  id: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ said: string; stdout?: Uint8Array; truncated?: boolean }> {
  try {
    const { exitCode, stdout, stderr, truncated = false } = await runtime.exec(id, command, timeoutMs)
    const missing = exitCode === 126 || exitCode === 127
    const words = Buffer.from(stderr).toString('utf8').trim().slice(0, 500)
    return { said: `exit code ${exitCode}${words ? `: ${words}` : ''}`, ...(missing ? {} : { stdout, truncated }) }
  } catch (error) {
    return { said: error instanceof Error ? error.message : String(error) }
  }
}

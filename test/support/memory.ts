// How much memory a process has used at most, and a hard limit on it where this machine's control groups allow one.

import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'

/** The most resident memory that the process ever had, in bytes. */
export async function peakMemory(pid: number): Promise<number> {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmHWM`)
  return Number(kibibytes) * 1024
}

const hierarchies = [
  { root: '/sys/fs/cgroup', controllers: 'cgroup.subtree_control', limit: 'memory.max' },
  { root: '/sys/fs/cgroup/memory', controllers: undefined, limit: 'memory.limit_in_bytes' },
]

/** Has the kernel end the process when it needs more than `bytes`, until `cleanUp`. Returns why it cannot, or undefined. */
export async function limitMemory(
  cleanUp: { after(work: () => Promise<void>): unknown },
  pid: number,
  bytes: number,
): Promise<string | undefined> {
  for (const { root, controllers, limit } of hierarchies) {
    if (controllers !== undefined && !existsSync(`${root}/${controllers}`)) continue
    const group = `${root}/class-runtime-test-${pid}`
    try {
      await mkdir(group)
      // The group can go only after its last process has ended.
      cleanUp.after(() => rmdir(group))
      await writeFile(`${group}/${limit}`, String(bytes))
      await writeFile(`${group}/cgroup.procs`, String(pid))
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  return 'there is no memory control group'
}

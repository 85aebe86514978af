// The exit code of an exec, from inspections: neither the end of the output nor `Running` false says that it ended.

import { setTimeout as sleep } from 'node:timers/promises'
import { inspectExec } from '../endpoints/exec/inspect.ts'
import type { CallOptions, Transport } from '../transport/call.ts'

/** The engine records an exit a moment after the output has ended. */
const EXIT_POLL_MS = 20

/** Waits for the end of a started exec. Without a signal it waits as long as the process runs. */
export async function exitCodeOf(transport: Transport, id: string, { signal }: CallOptions): Promise<number> {
  for (;;) {
    const { Running, ExitCode } = await inspectExec(transport, id, { signal })
    if (!Running && typeof ExitCode === 'number') return ExitCode
    // Where the signal ends the sleep, the next inspection says so in the client's own words.
    await sleep(EXIT_POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  }
}

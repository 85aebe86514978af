// Waiting for a condition instead of for a time.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

const patienceMs = 60_000

/** Waits for a condition; `what` is what the failure says was waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`waited in vain for ${what}`)
    await delay(20)
  }
}

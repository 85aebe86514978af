// An overlay comes and goes behind the calls that make and remove it: a Swarm stores it at once and allocates it afterwards, or never,
// and for a moment after the removal its manager still lists it.

import { setTimeout as delay } from 'node:timers/promises'
import { type Engine, isEngineError } from '../../../engine-api/index.ts'
import { isRefusal } from './errors.ts'

const polls = 50
const pollMs = 100

/** False where it is not allocated in time, as where its subnet overlaps another overlay's. */
export async function isAllocated(manager: Engine, id: string): Promise<boolean> {
  for (let poll = 1; poll <= polls; poll++) {
    const { Driver, IPAM } = await manager.networks.inspect(id)
    if (Driver !== '' && IPAM.Config?.length) return true
    await delay(pollMs)
  }
  return false
}

/** Of one that was removed. What is listed longer is for the next look to see. */
export async function untilUnlisted({ networks }: Engine, id: string): Promise<void> {
  for (let poll = 1; poll <= polls; poll++) {
    const isListed = await networks.inspect(id).then(
      () => true,
      (error: unknown) => {
        if (isEngineError(error, 'not-found')) return false
        throw error
      },
    )
    if (!isListed) return
    await delay(pollMs)
  }
}

/** Of a connection to a network that is listed and is not there any more; any other error is thrown on. */
export function isRemovedNetwork(error: unknown): false {
  if (isRefusal(error) && /could not attach to network \S+:.* not found/i.test(error.engineMessage ?? '')) return false
  throw error
}

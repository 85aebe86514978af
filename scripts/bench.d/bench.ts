// Usage: bench.ts NAME... Prints what each benchmark measured, and the machine. Nothing is asserted: a time depends on the machine.

import { cleanUpOfSuite } from '../../test/support/faults.ts'
import type { CleanUp } from './classroom.ts'
import { run as down } from './down.ts'
import { print } from './measure.ts'
import { hasPeers } from './peer.ts'

const benches: ReadonlyMap<string, (cleanUp: CleanUp) => Promise<void>> = new Map([['down', down]])

const names = process.argv.slice(2)
for (const name of names) if (!benches.has(name)) throw new Error(`no benchmark is called '${name}'`)

if (!hasPeers()) print('Their packages are not installed: nothing is compared with peers.')
for (const name of names.length > 0 ? names : benches.keys()) {
  const ends: (() => Promise<void>)[] = []
  try {
    await benches.get(name)?.(cleanUpOfSuite((work) => void ends.push(work)))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

// Usage: bench.ts [NAME...]. Prints what each benchmark measured, and the machine. Nothing is asserted: a time depends on the machine.

import { availableParallelism, cpus, release } from 'node:os'
import { Type } from '@sinclair/typebox'
import { cleanUpOfSuite } from '../../test/support/faults.ts'
import { shaped } from '../../test/support/shape.ts'
import type { CleanUp } from './classroom.ts'
import { run as client } from './client.ts'
import { run as down } from './down.ts'
import { print } from './measure.ts'
import { run as memory } from './memory.ts'
import { hasPeers } from './peer.ts'
import { callEngine } from './plain-http.ts'
import { run as scale } from './scale.ts'
import { run as service } from './service.ts'
import { run as stop } from './stop.ts'
import { run as up } from './up.ts'

const benches: Readonly<Record<string, (cleanUp: CleanUp) => Promise<void>>> = {
  ...{ client, up, down, stop, memory, scale, service },
}

const names = process.argv.slice(2)

const Version = Type.Object({ Version: Type.String(), KernelVersion: Type.String() })
const { Version: engine } = shaped(Version, JSON.parse(await callEngine('GET', '/version')))
const machine = `${availableParallelism()} x ${cpus()[0]?.model}, Linux ${release()}`
print(`${machine}; Node ${process.version}, engine ${engine}`)
if (!hasPeers()) print('The packages of the peers are not installed: nothing is compared with them.')

for (const name of names.length > 0 ? names : Object.keys(benches)) {
  const ends: (() => Promise<void>)[] = []
  try {
    await benches[name]?.(cleanUpOfSuite((work) => void ends.push(work)))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

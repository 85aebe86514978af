// What other hands do to engines in memory, for the conformance suite of the runtime port.

import { RuntimeError } from '../../../src/runtime/errors.ts'
import { file, type Thing } from '../../support/memory-archive.ts'
import type { MemoryContainer, RuntimeHook } from '../../support/memory-engine.ts'
import type { MemoryRuntime } from '../../support/memory-runtime.ts'
import { failing, type Hands } from './conformance/site.ts'

/** The same networks are all of theirs. */
export function handsOf(engines: readonly MemoryRuntime[]): Hands {
  const [first] = engines
  if (!first) throw new Error('there is no engine')
  const engineOf = (id: string): MemoryRuntime => engines.find((each) => each.containers.has(id)) ?? fail(id)
  const of = (id: string): MemoryContainer => engineOf(id).containers.get(id) ?? fail(id)
  return {
    async write(id, things) {
      engineOf(id).write(of(id).studentId, ...things)
    },
    async print(id, stream, line) {
      of(id).logs.push({ stream, bytes: Buffer.from(line) })
    },
    kill: async (id) => engineOf(id).exit(of(id), 137),
    exhaustMemory: async (id) => engineOf(id).exhaustMemory(of(id)),
    start: async (id) => engineOf(id).start(of(id)),
    async pause(id) {
      of(id).state = 'paused'
    },
    async removeContainer(id) {
      engineOf(id).containers.delete(id)
    },
    removeNetwork: async (id) => first.dropNetwork(id),
    async take(_kind, name) {
      for (const engine of engines) engine.foreign.add(name)
    },
    async enter(id) {
      first.entered.add(id)
      return async () => void first.entered.delete(id)
    },
    async useUpSubnets() {
      first.host.hasFreeSubnet = false
    },
    isProxyIn: async (id) => !first.unattached.has(id),
    async renewProxy(present) {
      first.hasProxy = present
      for (const id of first.networks.keys()) first.unattached.add(id)
    },
    keepWrites() {
      for (const engine of engines) engine.keepsWrites = true
      return true
    },
    refuseStart() {
      const refuse: RuntimeHook = (event) => {
        if (!event.startsWith('start ')) return
        for (const engine of engines) engine.before = () => {}
        throw new RuntimeError('failed', 'The engine refused: a fault of the test')
      }
      for (const engine of engines) engine.before = refuse
    },
    cutArchive(id) {
      const { things } = engineOf(id).volume(of(id).studentId)
      const error = new RuntimeError('archive', 'The archive ends too early.')
      const cut: Thing = file('cut', () => failing(error, () => void things.splice(things.indexOf(cut), 1)))
      things.push(cut)
    },
    async halfRemove(id) {
      of(id).state = 'dead'
      const engine = engineOf(id)
      engine.before = (event) => {
        if (event.startsWith('remove-container ')) throw new RuntimeError('failed', 'The engine refused: unlinkat')
      }
      return async () => {
        engine.before = () => {}
      }
    },
  }
}

function fail(id: string): never {
  throw new Error(`there is no container ${id}`)
}

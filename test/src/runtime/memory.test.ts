// The runtime in memory, which the tests of classes trust, does what every runtime must.

import { RuntimeError } from '../../../src/runtime/errors.ts'
import { freezeLab } from '../../support/frozen-lab.ts'
import { file, type Thing } from '../../support/memory-archive.ts'
import type { MemoryContainer } from '../../support/memory-engine.ts'
import { MemoryRuntime } from '../../support/memory-runtime.ts'
import { failing, type Hands, type Site } from './conformance/site.ts'
import { conformance } from './conformance.ts'

function handsOf(runtime: MemoryRuntime): Hands {
  const of = (id: string): MemoryContainer => runtime.containers.get(id) ?? fail(id)
  return {
    async write(id, things) {
      runtime.write(of(id).studentId, ...things)
    },
    async print(id, stream, line) {
      of(id).logs.push({ stream, bytes: Buffer.from(line) })
    },
    kill: async (id) => runtime.exit(of(id), 137),
    exhaustMemory: async (id) => runtime.exhaustMemory(of(id)),
    start: async (id) => runtime.start(of(id)),
    async pause(id) {
      of(id).state = 'paused'
    },
    async removeContainer(id) {
      runtime.containers.delete(id)
    },
    removeNetwork: async (id) => runtime.dropNetwork(id),
    async take(_kind, name) {
      runtime.foreign.add(name)
    },
    async enter(id) {
      runtime.entered.add(id)
      return async () => void runtime.entered.delete(id)
    },
    async useUpSubnets() {
      runtime.host.hasFreeSubnet = false
    },
    isProxyIn: async (id) => !runtime.unattached.has(id),
    async renewProxy(present) {
      runtime.hasProxy = present
      for (const id of runtime.networks.keys()) runtime.unattached.add(id)
    },
    keepWrites() {
      runtime.keepsWrites = true
      return true
    },
    refuseStart() {
      runtime.before = (event) => {
        if (!event.startsWith('start ')) return
        runtime.before = () => {}
        throw new RuntimeError('failed', 'The engine refused: a fault of the test')
      }
    },
    cutArchive(id) {
      const { things } = runtime.volume(of(id).studentId)
      const error = new RuntimeError('archive', 'The archive ends too early.')
      const cut: Thing = file('cut', () => failing(error, () => void things.splice(things.indexOf(cut), 1)))
      things.push(cut)
    },
    async halfRemove(id) {
      of(id).state = 'dead'
      runtime.before = (event) => {
        if (event.startsWith('remove-container ')) throw new RuntimeError('failed', 'The engine refused: unlinkat')
      }
      return async () => {
        runtime.before = () => {}
      }
    },
  }
}

function fail(id: string): never {
  throw new Error(`there is no container ${id}`)
}

conformance(
  'memory',
  async (): Promise<Site> => {
    const runtime = new MemoryRuntime()
    const image = await runtime.image('busybox:1.36')
    return {
      runtime,
      hands: handsOf(runtime),
      nodes: [],
      lab: { ...freezeLab(image), user: '1000:1000' },
      greedy: (plan) => plan,
      rootId: 0,
      ending(plan, studentId) {
        runtime.startsAs.set(studentId, 'exited')
        return plan
      },
    }
  },
  false,
)

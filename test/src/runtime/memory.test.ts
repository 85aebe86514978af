// The runtime in memory, which the tests of classes trust, does what every runtime must.

import { freezeLab } from '../../support/frozen-lab.ts'
import { MemoryRuntime } from '../../support/memory-runtime.ts'
import type { Site } from './conformance/site.ts'
import { conformance } from './conformance.ts'
import { handsOf } from './memory-hands.ts'

conformance(
  'memory',
  async (): Promise<Site> => {
    const runtime = new MemoryRuntime()
    const image = await runtime.image('busybox:1.36')
    return {
      runtime,
      hands: handsOf([runtime]),
      nodes: [],
      lab: { ...freezeLab(image), user: '1000:1000' },
      greedy: (plan) => plan,
      rootId: 0,
      remembersExhaustion: true,
      ending(plan, studentId) {
        runtime.startsAs.set(studentId, 'exited')
        return plan
      },
    }
  },
  false,
)

// The catalogue's labs: what they loosen, their limits, and whether the engine has their images.

import type { Catalogue } from '../../catalogue/catalogue.ts'
import { asProblem } from '../../classes/context.ts'
import type { Runtime } from '../../runtime/port.ts'
import type { LabState } from '../answers.ts'
import type { App } from '../app-type.ts'

export function registerLabs(app: App, runtime: Runtime, currentCatalogue: () => Promise<Catalogue>): void {
  app.get('/room/labs', async () => {
    const { labs } = await currentCatalogue()
    return { labs: await Promise.all([...labs].map(describeLab)) }
  })

  async function describeLab([name, lab]: [string, ReturnType<Catalogue['labs']['get']> & object]): Promise<LabState> {
    const image = await runtime.image(lab.image).catch((error: unknown) => {
      throw asProblem(error, 'engine-unavailable')
    })
    const { cpus, memoryMb, pids, internet, writableRoot = false, capabilities = [], ttlMinutes, maxLifeMinutes } = lab
    const found = {
      present: image !== undefined,
      id: image?.id ?? null,
      digest: image?.digest ?? null,
      size: image?.size ?? null,
    }
    return {
      name,
      image: { reference: lab.image, ...found },
      cpus,
      memoryMb,
      pids,
      internet,
      writableRoot,
      capabilities,
      runtime: lab.runtime ?? null,
      ttlMinutes,
      maxLifeMinutes,
    }
  }
}

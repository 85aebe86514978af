// Images are fetched when the service starts, when the catalogue changes and a while after a failure, never inside an up.
// A failed pull stops nothing: the lab is then refused as 'lab-image-missing', and the log says why.

import type { Logger } from 'pino'
import type { Runtime } from '../runtime/port.ts'
import type { Catalogue } from './catalogue.ts'

/** Says whether all of them are there now. */
export async function fetchMissingImages(runtime: Runtime, catalogue: Catalogue, log: Logger): Promise<boolean> {
  let complete = true
  const references = new Set([...catalogue.labs.values()].map(({ image }) => image))
  for (const reference of references) {
    try {
      if (!(await runtime.lacksImage(reference))) continue
      log.info({ image: reference }, 'pulling the image of a lab')
      await runtime.pull(reference)
      log.info({ image: reference }, 'image pulled')
    } catch (error) {
      complete = false
      log.error({ err: error, image: reference }, 'the image of a lab could not be pulled: labs with it cannot start')
    }
  }
  return complete
}

// One small lab as a session freezes it, for tests of a runtime.

import assert from 'node:assert/strict'
import { parseCatalogue } from '../../src/catalogue/catalogue.ts'
import type { FrozenLab } from '../../src/catalogue/frozen-lab.ts'
import type { ImageFacts } from '../../src/runtime/port.ts'
import { catalogueOf } from './catalogue.ts'

export function freezeLab(image: ImageFacts | undefined): FrozenLab {
  assert.ok(image, 'the image is not on the engine')
  const catalogue = parseCatalogue(JSON.stringify(catalogueOf({ any: [] })))
  const { name, lab } = catalogue.findLab(catalogue.findClass('any'), undefined)
  return { ...lab, name, imageId: image.id, ...(image.digest === undefined ? {} : { imageDigest: image.digest }) }
}

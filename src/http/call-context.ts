// What calls work with.

import type { Catalogue } from '../catalogue/catalogue.ts'
import type { ClassActions } from '../classes/class-actions.ts'
import type { ClassContext } from '../classes/context.ts'
import type { Metrics } from '../metrics.ts'
import type { CanonicalClassId } from '../sessions/class-id.ts'
import type { Readiness } from './readiness.ts'

export interface CallContext {
  readonly classes: ClassContext
  readonly actions: ClassActions
  readonly metrics: Metrics
  readonly readiness: Readiness
  /** What is wrong with the last edit of the catalogue. */
  brokenEdit(): string | undefined
  /** As it is now: an edit is read before it is answered by. */
  currentCatalogue(): Promise<Catalogue>
  /** A class that was taken out of the catalogue while it was up must still come down. */
  readonly canonicalClassId: CanonicalClassId
  /** The OpenAPI document, as JSON text. */
  document(): string
}

// What the steps that make one bag share: who it is of, what was found, where it goes.

import type { BagSubject } from '../bag/description.ts'
import type { Runtime } from '../runtime/port.ts'
import type { Store } from '../store/port.ts'
import type { Inventory } from './inventory.ts'
import type { SpooledLogs } from './logs.ts'

export interface CollectionTarget extends BagSubject {
  /** `final` at down; a `snapshot` at any other time, which no down takes for the student's last word. */
  readonly kind: 'final' | 'snapshot'
  /** The container is a new one around a volume that had lost its own: its logs are not the student's. */
  readonly logsLost: boolean
}

export interface CollectionProgress {
  /** How much there is, once the inventory knows. */
  onInventory(files: number, bytes: number): void
  /** Negative where an attempt has to be repeated. */
  onStored(files: number, bytes: number): void
}

export interface BagWork {
  readonly runtime: Runtime
  readonly store: Store
  readonly target: CollectionTarget
  readonly progress: CollectionProgress
  readonly signal: AbortSignal
  readonly inventory: Inventory
  readonly logs: SpooledLogs
}

// All calls, in the order of the OpenAPI document. A new call is one file in this folder and a line here.

import type { Call } from '../define-call.ts'
import { collectClass } from './collect-class.ts'
import { discardStudent } from './discard-student.ts'
import { docs } from './docs.ts'
import { docsAsset } from './docs-asset.ts'
import { downClass } from './down-class.ts'
import { extendClass } from './extend-class.ts'
import { getBag } from './get-bag.ts'
import { getClass } from './get-class.ts'
import { getFile } from './get-file.ts'
import { getOperation } from './get-operation.ts'
import { getSession } from './get-session.ts'
import { getStudent } from './get-student.ts'
import { healthz } from './healthz.ts'
import { listClasses } from './list-classes.ts'
import { listLabs } from './list-labs.ts'
import { listNodes } from './list-nodes.ts'
import { listSessions } from './list-sessions.ts'
import { metrics } from './metrics.ts'
import { openapi } from './openapi.ts'
import { planClass } from './plan-class.ts'
import { readyz } from './readyz.ts'
import { resetStudent } from './reset-student.ts'
import { traefikRoutes } from './traefik-routes.ts'
import { traefikUse } from './traefik-use.ts'
import { upClass } from './up-class.ts'
import { waitingPage } from './waiting-page.ts'
import { watchOperation } from './watch-operation.ts'

export const calls: readonly Call[] = [
  upClass,
  downClass,
  collectClass,
  extendClass,
  resetStudent,
  discardStudent,
  planClass,
  listClasses,
  getClass,
  getStudent,
  listSessions,
  getSession,
  getBag,
  getFile,
  getOperation,
  watchOperation,
  listLabs,
  listNodes,
  healthz,
  readyz,
  metrics,
  openapi,
  docs,
  docsAsset,
  traefikRoutes,
  traefikUse,
  waitingPage,
]

/** What Traefik calls: all that ROUTES_LISTEN answers. */
export const traefikCalls: readonly Call[] = [traefikRoutes, traefikUse, waitingPage]

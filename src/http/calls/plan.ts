// plan-class: answered at once, since it is no operation: it changes nothing and can be asked while one runs.

import type { Catalogue } from '../../catalogue/catalogue.ts'
import type { ClassContext } from '../../classes/context.ts'
import { orderUp } from '../../classes/up/order.ts'
import { planClass } from '../../classes/up/plan-class.ts'
import type { App } from '../app-type.ts'
import { PlanClassBody } from '../schemas.ts'

export function registerPlan(app: App, classes: ClassContext, currentCatalogue: () => Promise<Catalogue>): void {
  app.post('/room/plan-class', { schema: { body: PlanClassBody } }, async (request) =>
    planClass(classes, orderUp(await currentCatalogue(), request.body)),
  )
}

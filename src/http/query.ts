// A name in a query that a call does not know is refused, as an unknown field is: passed over, it would be a wish that nobody hears.

import { Type } from '@sinclair/typebox'
import type { App } from './app-type.ts'

const noQuery = Type.Object({}, { additionalProperties: false })

/** To be called before the routes are registered. */
export function closeQueries(app: App): void {
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, querystring: noQuery }
  })
}

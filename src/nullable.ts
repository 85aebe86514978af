// The one thing that answers need and TypeBox has no word for: a member that is always there, and null where there is nothing.

import { type TSchema, Type } from '@sinclair/typebox'

export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

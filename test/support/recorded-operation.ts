// Which operation of the table a recorded exchange is.

import { type Operation, operations } from '../../engine-api/index.ts'
import type { Exchange } from './recording.ts'

/** By method, path and the names in the query; undefined where no operation sends such a request. */
export const operationOf = ({ request: { method, path, query } }: Exchange): Operation | undefined =>
  operations.find(
    (operation) =>
      operation.method === method &&
      new RegExp(`^(/v[\\d.]+)?${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path) &&
      Object.keys(query).every((name) => operation.query.includes(name)),
  )

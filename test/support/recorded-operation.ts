// Which operation of the table a recorded exchange is.

import { type Operation, operations } from '../../engine-api/index.ts'
import type { Exchange } from './recording.ts'

/** By method, path, the names in the query and whether the connection was upgraded; undefined where no operation sends such a request. */
export const operationOf = ({ request: { method, path, query }, response }: Exchange): Operation | undefined =>
  operations.find(
    (operation) =>
      operation.method === method &&
      (operation.statuses[101] !== undefined) === (response.framing === 'upgraded') &&
      new RegExp(`^(/v[\\d.]+)?${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path) &&
      Object.keys(query).every((name) => operation.query.includes(name)),
  )

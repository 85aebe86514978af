// Which endpoint of the table a recorded exchange is.

import { type Endpoint, endpoints } from '../../engine-api/index.ts'
import type { Exchange } from './recording.ts'

/** By method, path, the names in the query and whether the connection was upgraded; undefined where no endpoint sends such a request. */
export const endpointOf = ({ request: { method, path, query }, response }: Exchange): Endpoint | undefined =>
  endpoints.find(
    (endpoint) =>
      endpoint.method === method &&
      (endpoint.statuses[101] !== undefined) === (response.framing === 'upgraded') &&
      new RegExp(`^(/v[\\d.]+)?${endpoint.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path) &&
      Object.keys(query).every((name) => endpoint.query.includes(name)),
  )

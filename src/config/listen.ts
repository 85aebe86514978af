// Where the service listens.

import { isIP } from 'node:net'
import { ConfigError } from './values.ts'

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** `isOpen`: callers show nothing, so that nobody but those of this machine may be one. */
export function parseListen(name: 'LISTEN' | 'ROUTES_LISTEN', text: string, isOpen: boolean): ListenAddress {
  const path = text.startsWith('unix:') ? text.slice('unix:'.length).replace(/^\/\/+/, '/') : text
  if (path.startsWith('/')) return { path }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65535) {
    throw new ConfigError(`${name} must be host:port or the path of a Unix socket; it is '${text}'.`)
  }
  if (isOpen && !isLoopback(host)) {
    throw new ConfigError(
      `${name} is '${text}', which others can reach, and there is no authentication: set AUTH_JWT_SECRET, ` +
        'AUTH_PUBLIC_KEY_FILE or AUTH_JWKS_URL, or listen on 127.0.0.1, [::1] or a Unix socket.',
    )
  }
  return { host, port }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))

// What callers are to show: from the AUTH_ variables, which must agree with one another.

import { resolve } from 'node:path'
import { isLoopback } from './listen.ts'
import { ConfigError, type Get, oneOf } from './values.ts'

/** `off`: every caller is trusted, which `listen` makes safe by loopback or a Unix socket. */
export type AuthConfig =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'jwt'
      readonly key: KeySource
      /** What `iss` must be; undefined: any. */
      readonly issuer: string | undefined
      /** What `aud` must hold; undefined: any. */
      readonly audience: string | undefined
    }

/** What tokens are checked with: a secret shared with the portal, the portal's public key, or the key set of an issuer. */
export type KeySource =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'public-key'; readonly file: string }
  | { readonly kind: 'jwks'; readonly url: string }

/**
 * A key source turns authentication on, and AUTH only says the same aloud: a service that has a key and checks nobody,
 * or is to check callers and has no key, is a mistake that must not start.
 */
export function readAuth(get: Get): AuthConfig {
  const sources = (['AUTH_JWT_SECRET', 'AUTH_PUBLIC_KEY_FILE', 'AUTH_JWKS_URL'] as const).filter(get)
  const kind = oneOf('AUTH', get('AUTH') ?? (sources.length > 0 ? 'jwt' : 'off'), ['jwt', 'off'])
  const [issuer, audience] = [get('AUTH_ISSUER'), get('AUTH_AUDIENCE')]
  if (kind === 'off') {
    const [ignored] = [...sources, ...(issuer ? ['AUTH_ISSUER'] : []), ...(audience ? ['AUTH_AUDIENCE'] : [])]
    if (ignored === undefined) return { kind }
    throw new ConfigError(`${ignored} is set, but nobody is authenticated: AUTH is off, or no key source is set.`)
  }
  if (sources.length !== 1) {
    throw new ConfigError(
      'AUTH is jwt, so exactly one of AUTH_JWT_SECRET, AUTH_PUBLIC_KEY_FILE and AUTH_JWKS_URL must be set; ' +
        `set: ${sources.join(', ') || 'none'}.`,
    )
  }
  const key = readKeySource(get)
  // A key set belongs to an issuer who signs for many services: a token for another one must not open this one.
  if (key.kind === 'jwks' && (issuer === undefined || audience === undefined)) {
    throw new ConfigError('AUTH_JWKS_URL is set, so AUTH_ISSUER and AUTH_AUDIENCE must be set too.')
  }
  return { kind, key, issuer, audience }
}

/** HS256 is as strong as its hash only with a secret as long as it (RFC 7518, 3.2). */
const leastSecretBytes = 32

function readKeySource(get: Get): KeySource {
  const [secret, file] = [get('AUTH_JWT_SECRET'), get('AUTH_PUBLIC_KEY_FILE')]
  if (secret !== undefined) {
    const bytes = Buffer.byteLength(secret)
    if (bytes >= leastSecretBytes) return { kind: 'secret', secret }
    throw new ConfigError(
      `AUTH_JWT_SECRET must be at least ${leastSecretBytes} random bytes; it has ${bytes}. openssl rand -hex 32 makes one.`,
    )
  }
  if (file !== undefined) return { kind: 'public-key', file: resolve(file) }
  const text = get('AUTH_JWKS_URL') ?? ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  // Who can change the keys on their way can be everybody.
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!url || !isSafe || url.username !== '' || url.password !== '') {
    throw new ConfigError('AUTH_JWKS_URL must be an https URL, or http on loopback, without user name or password.')
  }
  return { kind: 'jwks', url: url.href }
}

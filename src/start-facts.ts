// What a start says of itself: which store, engine, catalogue and key source are in use. No secret is in it.

import type { AuthConfig } from './config/auth.ts'
import type { Config } from './config.ts'

export function startFacts({ store, engine, fleet, catalogue, auth, installation }: Config): Record<string, string> {
  return {
    store:
      store.kind === 's3'
        ? `s3://${store.bucket}${store.prefix === '' ? '' : `/${store.prefix}`} at ${store.endpoint}${forDownloads(store.publicEndpoint)}, region ${store.region}`
        : `the folder ${store.folder}`,
    engine: `${withoutSecrets(engine.host)}${engine.certPath === undefined ? '' : `, certificates in ${engine.certPath}`}`,
    ...(fleet ? { nodes: `those of the Swarm, each at ${withoutSecrets(fleet.urlTemplate)}` } : {}),
    catalogue,
    keySource: keySourceOf(auth),
    installation,
  }
}

const forDownloads = (endpoint: string | undefined): string =>
  endpoint === undefined ? '' : ` (for downloads ${endpoint})`

function keySourceOf(auth: AuthConfig): string {
  if (auth.kind === 'off') return 'none: AUTH is off'
  const { key } = auth
  if (key.kind === 'secret') return 'the secret of AUTH_JWT_SECRET'
  return key.kind === 'public-key' ? `the public key ${key.file}` : `the key set ${withoutSecrets(key.url)}`
}

/** A URL may carry a password before its host or a token in its query. */
const withoutSecrets = (url: string): string => url.replace(/^([a-z+]+:\/\/)[^/]*@/i, '$1').replace(/[?#].*$/s, '')

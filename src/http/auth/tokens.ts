// Who a bearer token speaks for: the one file that knows jose. The algorithm is pinned to the configured key, never taken
// from the token, so that neither `none` nor a public key used as an HMAC secret gets in.

import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { AuthConfig, KeySource } from '../../config/auth.ts'
import { ConfigError } from '../../config/values.ts'
import { serviceActor } from '../../names.ts'
import { Problem } from '../../problems.ts'

const Role = Type.Union([Type.Literal('teacher'), Type.Literal('admin')])

export interface Identity {
  /** The token's `sub`: what a class lists in `teachers`, and what session records and audit lines hold. */
  readonly actor: string
  /** `none`: a role that may do nothing here. */
  readonly role: Static<typeof Role> | 'none'
  /** Until when the token is accepted, in milliseconds since 1970; Infinity where nobody is authenticated. */
  readonly acceptedUntil: number
}

/** Takes the value of the Authorization header. Problems 'not-authenticated' (with its `reason`) and 'keys-unavailable'. */
export type Identify = (authorization: string | undefined) => Promise<Identity>

/** Why a caller is not authenticated -> what the answer says, in its detail and its WWW-Authenticate header. */
export const refusals = {
  missing: 'The request has no token. Send the token of the portal in the header Authorization: Bearer.',
  malformed: 'The token is not a signed JWT. Send the token of the portal as it is.',
  algorithm: 'The token is signed by an algorithm that the key of this service is not for.',
  'unknown-key': 'The token names no key of its issuer. Get a new token from the portal.',
  signature: 'The signature of the token is not of the key of this service. Get a new token from the portal.',
  expired: 'The token has expired. Get a new one from the portal.',
  'not-yet-valid': 'The token is not valid yet. Compare the clocks of the portal and of this service.',
  issuer: 'The token is of another issuer. Get one from the portal.',
  audience: 'The token is for another service. Get one for this service.',
  expiry: 'The token has no exp, or one that is not a number. A token must expire.',
  subject: 'The token has no sub that can name a caller: 1 to 256 characters, none of them a control character.',
  traefik: 'The token is not that of TRAEFIK_TOKEN. This call is for Traefik alone.',
  role: 'The token has no role. Get one from the portal that names the role of its caller.',
} as const

export type Refusal = keyof typeof refusals

const clockToleranceSeconds = 30
/** A key that the issuer withdrew is refused after this time at the latest. */
const keySetLifeMs = 600_000
/** A token of an unknown key makes the key set be fetched again, but not more often than this. */
const keySetPauseMs = 30_000
const keySetTimeoutMs = 5_000
/** After a fetch that failed the next one waits: otherwise each forged token would be a request to the issuer. */
const failurePauseMs = 5_000

/** With AUTH=off; the address that the service listens on keeps strangers out. */
export const trustEverybody: Identify = async () => ({
  actor: serviceActor.unauthenticated,
  role: 'admin',
  acceptedUntil: Number.POSITIVE_INFINITY,
})

/** ConfigError where the public key file cannot be used. A key set that cannot be fetched does not stop the start. */
export async function openIdentify(auth: AuthConfig): Promise<Identify> {
  if (auth.kind === 'off') return trustEverybody
  const { key, algorithms } = await openKey(auth.key)
  const options = {
    algorithms,
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp'],
    ...(auth.issuer === undefined ? {} : { issuer: auth.issuer }),
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
  }
  return async (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw notAuthenticated('missing')
    const { payload } = await jwtVerify(token, key, options).catch((error: unknown) => {
      throw problemOf(error, auth.key)
    })
    return identityOf(payload)
  }
}

/** What the product itself signs its acts with is no caller's name. */
const reserved: readonly string[] = Object.values(serviceActor)
const isSubject = TypeCompiler.Compile(Type.String({ pattern: '^[^\\x00-\\x1f\\x7f]{1,256}$' }))
const isRole = TypeCompiler.Compile(Role)

function identityOf({ sub, role, exp }: JWTPayload): Identity {
  if (!isSubject.Check(sub) || reserved.includes(sub)) throw notAuthenticated('subject')
  // Whoever has another role is known all the same: they may do nothing, which another token of theirs would not change.
  if (typeof role !== 'string' || role === '') throw notAuthenticated('role')
  if (exp === undefined) throw notAuthenticated('expiry')
  return { actor: sub, role: isRole.Check(role) ? role : 'none', acceptedUntil: (exp + clockToleranceSeconds) * 1000 }
}

const notAuthenticated = (reason: Refusal): Problem =>
  new Problem('not-authenticated', refusals[reason], { extensions: { reason } })

function problemOf(error: unknown, source: KeySource): unknown {
  const reason = refusalOf(error)
  if (reason) return notAuthenticated(reason)
  if (source.kind !== 'jwks') return error
  return new Problem('keys-unavailable', 'The keys of the issuer cannot be fetched. Repeat the call in a moment.', {
    cause: error,
  })
}

/** Undefined where the fault is not the token's. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return 'issuer'
    if (error.claim === 'aud') return 'audience'
    return error.claim === 'nbf' ? 'not-yet-valid' : 'expiry'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'unknown-key'
  }
  const { JWSInvalid, JWTInvalid, JOSENotSupported } = errors
  return [JWSInvalid, JWTInvalid, JOSENotSupported].some((each) => error instanceof each) ? 'malformed' : undefined
}

interface PinnedKey {
  readonly key: Uint8Array | KeyObject | JWTVerifyGetKey
  readonly algorithms: string[]
}

async function openKey(source: KeySource): Promise<PinnedKey> {
  if (source.kind === 'secret') return { key: Buffer.from(source.secret), algorithms: ['HS256'] }
  if (source.kind === 'public-key') return await readPublicKey(source.file)
  // Each key of the set serves the algorithms of its own type; none of these is symmetric.
  return { key: openKeySet(source.url), algorithms: Object.values(asymmetric).flat() }
}

function openKeySet(address: string): JWTVerifyGetKey {
  let notBefore = 0
  const keys = createRemoteJWKSet(new URL(address), {
    cacheMaxAge: keySetLifeMs,
    cooldownDuration: keySetPauseMs,
    timeoutDuration: keySetTimeoutMs,
    [customFetch]: async (url, options) => {
      if (Date.now() < notBefore) throw new Error('the last fetch of the key set failed a moment ago')
      return await fetch(url, options)
    },
  })
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      if (!refusalOf(error) && Date.now() >= notBefore) notBefore = Date.now() + failurePauseMs
      throw error
    }
  }
}

/** By the type that Node gives a key. RFC 9864 names Ed25519 what was EdDSA; both are the same signature. */
const asymmetric = { rsa: ['RS256', 'PS256'], ec: ['ES256'], ed25519: ['EdDSA', 'Ed25519'] }

async function readPublicKey(file: string): Promise<PinnedKey> {
  const refuse = (why: string, cause?: unknown) => new ConfigError(`AUTH_PUBLIC_KEY_FILE ${file} ${why}`, { cause })
  const pem = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refuse('cannot be read: give the path of a PEM file.', error)
  })
  if (pem.includes('PRIVATE KEY')) throw refuse('holds a private key, which only the portal may have.')
  const key = parsePublicKey(pem)
  if (!key) throw refuse('holds no public key in PEM form.')
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  const type = key.asymmetricKeyType
  if (type === 'ed25519') return { key, algorithms: asymmetric.ed25519 }
  if (type === 'ec' && namedCurve === 'prime256v1') return { key, algorithms: asymmetric.ec }
  if (type === 'rsa' && modulusLength >= 2048) return { key, algorithms: asymmetric.rsa }
  throw refuse('must hold an RSA key of at least 2048 bits, a P-256 key or an Ed25519 key.')
}

function parsePublicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}

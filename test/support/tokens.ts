// Tokens as a portal, a forger or a careless issuer would make them: signed by hand, so that no library vouches for itself.

import { constants, createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { AuthConfig } from '../../src/config/auth.ts'

export const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

const signers = {
  none: () => Buffer.alloc(0),
  HS256: (data: Buffer, key: KeyObject) => createHmac('sha256', key).update(data).digest(),
  HS512: (data: Buffer, key: KeyObject) => createHmac('sha512', key).update(data).digest(),
  RS256: (data: Buffer, key: KeyObject) => sign('sha256', data, key),
  PS256: (data: Buffer, key: KeyObject) =>
    sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  ES256: (data: Buffer, key: KeyObject) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (data: Buffer, key: KeyObject) => sign(null, data, key),
  Ed25519: (data: Buffer, key: KeyObject) => sign(null, data, key),
}

export type Algorithm = keyof typeof signers

/** `header` adds to the header or changes it; the algorithm that signs stays. */
export function signToken(alg: Algorithm, key: KeyObject, claims: object, header: object = {}): string {
  const text = `${encode({ alg, typ: 'JWT', ...header })}.${encode(claims)}`
  return `${text}.${signers[alg](Buffer.from(text), key).toString('base64url')}`
}

export const secretKey = (text: string): KeyObject => createSecretKey(Buffer.from(text))

export const now = (): number => Math.floor(Date.now() / 1000)

/** What the portal says of a teacher. */
export const goodClaims = (): object => ({ sub: 't-lan', role: 'teacher', exp: now() + 300 })

export const portalSecret = 'what-the-portal-and-the-service-share-and-nobody-else'

/** A service that trusts tokens of `portalSecret`. */
export const portalAuth: AuthConfig = {
  kind: 'jwt',
  key: { kind: 'secret', secret: portalSecret },
  issuer: undefined,
  audience: undefined,
}

/** The header of a caller whom the portal knows. */
export const bearer = (sub: string, role: string): { authorization: string } => ({
  authorization: `Bearer ${signToken('HS256', secretKey(portalSecret), { ...goodClaims(), sub, role })}`,
})

export const newRsaKey = (modulusLength = 2048) => generateKeyPairSync('rsa', { modulusLength })
export const newEcKey = (namedCurve = 'prime256v1') => generateKeyPairSync('ec', { namedCurve })
export const newEd25519Key = () => generateKeyPairSync('ed25519')
export const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

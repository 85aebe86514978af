// Whom a token speaks for, and every token that must speak for nobody. Tokens are signed by hand (test/support/tokens.ts).

import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { KeySource } from '../../../../src/config/auth.ts'
import { ConfigError } from '../../../../src/config/values.ts'
import { type Identify, openIdentify, type Refusal, refusals } from '../../../../src/http/auth/tokens.ts'
import { Problem } from '../../../../src/problems.ts'
import {
  type Algorithm,
  encode,
  goodClaims,
  newEcKey,
  newEd25519Key,
  newRsaKey,
  now,
  pemOf,
  portalSecret,
  secretKey,
  signToken,
} from '../../../support/tokens.ts'

const names = { issuer: 'https://portal.example', audience: 'class-runtime' }
const claims = () => ({ ...goodClaims(), iss: names.issuer, aud: names.audience })
const lan = { actor: 't-lan', role: 'teacher' }

const open = (key: KeySource): Promise<Identify> => openIdentify({ kind: 'jwt', key, ...names })
const openSecret = () => open({ kind: 'secret', secret: portalSecret })

/** A token signed with the secret; `change` is laid over good claims, and undefined takes a claim away. */
const ofPortal = (change: object = {}): string =>
  signToken('HS256', secretKey(portalSecret), { ...claims(), ...change })

async function refused(identify: Identify, token: string, reason: Refusal): Promise<void> {
  await assert.rejects(identify(`Bearer ${token}`), (error) => {
    assert.ok(error instanceof Problem, `${error}`)
    assert.equal(error.code, 'not-authenticated')
    assert.equal(error.extensions['reason'], reason)
    assert.equal(error.message, refusals[reason])
    assert.ok(!error.message.includes(token))
    return true
  })
}

/** Of the identity, who it is. */
async function speaksFor(identify: Identify, authorization: string) {
  const { actor, role } = await identify(authorization)
  return { actor, role }
}

async function publicKeyFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'public.pem')
  await writeFile(file, text)
  return file
}

const openPublicKey = async (t: TestContext, text: string): Promise<Identify> =>
  open({ kind: 'public-key', file: await publicKeyFile(t, text) })

test('without authentication every caller is one and the same, and may do everything', async () => {
  const identify = await openIdentify({ kind: 'off' })
  assert.deepEqual(await identify(undefined), {
    actor: 'unauthenticated',
    role: 'admin',
    acceptedUntil: Number.POSITIVE_INFINITY,
  })
})

test('a token of the secret speaks for its sub and role', async () => {
  const identify = await openSecret()
  assert.deepEqual(await speaksFor(identify, `Bearer ${ofPortal()}`), lan)
  assert.deepEqual(
    await speaksFor(identify, `bearer  ${ofPortal({ sub: 'Cô Lan', role: 'admin', aud: ['x', names.audience] })}`),
    {
      actor: 'Cô Lan',
      role: 'admin',
    },
  )
})

test('what is no token at all is refused', async () => {
  const identify = await openSecret()
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Basic ${ofPortal()}`,
    ofPortal(),
    `Bearer ${ofPortal()} x`,
  ]) {
    await assert.rejects(identify(header), { code: 'not-authenticated', extensions: { reason: 'missing' } })
  }
  const [header = '', payload = '', signature = ''] = ofPortal().split('.')
  for (const token of [
    'x',
    'x.y.z',
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature}.x.y`,
  ]) {
    await assert.rejects(identify(`Bearer ${token}`), { code: 'not-authenticated' }, token)
  }
  await refused(identify, `${encode({ typ: 'JWT' })}.${payload}.${signature}`, 'malformed')
  await refused(identify, signToken('HS256', secretKey(portalSecret), []), 'malformed')
  await refused(identify, signToken('HS256', secretKey(portalSecret), claims(), { crit: ['x'], x: 1 }), 'malformed')
})

test('a forged, changed or re-signed token is refused', async () => {
  const identify = await openSecret()
  const [header, , signature] = ofPortal().split('.')
  await refused(identify, `${header}.${encode({ ...claims(), role: 'admin' })}.${signature}`, 'signature')
  await refused(identify, signToken('HS256', secretKey(`${portalSecret}.`), claims()), 'signature')
  await refused(identify, signToken('HS256', secretKey(''.padEnd(64, '0')), claims()), 'signature')
})

test('the token does not choose its algorithm', async () => {
  const identify = await openSecret()
  const rsa = newRsaKey()
  await refused(identify, signToken('none', rsa.privateKey, claims()), 'algorithm')
  await refused(identify, signToken('none', rsa.privateKey, claims(), { alg: 'None' }), 'algorithm')
  await refused(identify, signToken('HS512', secretKey(portalSecret), claims()), 'algorithm')
  await refused(identify, signToken('RS256', rsa.privateKey, claims()), 'algorithm')
  // A key in the header is the forger's own.
  const jwk = rsa.publicKey.export({ format: 'jwk' })
  await refused(identify, signToken('RS256', rsa.privateKey, claims(), { jwk }), 'algorithm')
})

test('a claim that is missing or wrong is refused by its name', async () => {
  const identify = await openSecret()
  const cases: [object, Refusal][] = [
    [{ exp: now() - 60 }, 'expired'],
    [{ exp: undefined }, 'expiry'],
    [{ exp: `${now() + 300}` }, 'expiry'],
    [{ exp: null }, 'expiry'],
    [{ nbf: now() + 60 }, 'not-yet-valid'],
    [{ iss: 'https://evil.example' }, 'issuer'],
    [{ iss: [names.issuer] }, 'issuer'],
    [{ iss: undefined }, 'issuer'],
    [{ aud: 'grading' }, 'audience'],
    [{ aud: ['grading'] }, 'audience'],
    [{ aud: undefined }, 'audience'],
    [{ sub: undefined }, 'subject'],
    [{ sub: '' }, 'subject'],
    [{ sub: 7 }, 'subject'],
    [{ sub: ['t-lan'] }, 'subject'],
    [{ sub: 'a\nb' }, 'subject'],
    [{ sub: 'x'.repeat(257) }, 'subject'],
    [{ sub: 'sweep' }, 'subject'],
    [{ sub: 'unauthenticated' }, 'subject'],
    [{ role: undefined }, 'role'],
    [{ role: '' }, 'role'],
    [{ role: 7 }, 'role'],
    [{ role: ['admin'] }, 'role'],
    [{ role: 'teacher', sub: 't-lan', exp: now() - 60 }, 'expired'],
  ]
  for (const [change, reason] of cases) await refused(identify, ofPortal(change), reason)
})

test('clocks may differ by 30 seconds', async (t) => {
  const identify = await openSecret()
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  assert.deepEqual(await speaksFor(identify, `Bearer ${ofPortal({ exp: now() - 29, nbf: now() + 30 })}`), lan)
  await refused(identify, ofPortal({ exp: now() - 30 }), 'expired')
  await refused(identify, ofPortal({ nbf: now() + 31 }), 'not-yet-valid')
  const exp = now() + 300
  assert.equal((await identify(`Bearer ${ofPortal({ exp })}`)).acceptedUntil, (exp + 30) * 1000)
})

test('without an issuer or audience in the configuration the token may be of any', async () => {
  const key = { kind: 'secret', secret: portalSecret } as const
  const identify = await openIdentify({ kind: 'jwt', key, issuer: undefined, audience: undefined })
  assert.deepEqual(await speaksFor(identify, `Bearer ${ofPortal({ iss: undefined, aud: 'other' })}`), lan)
})

test('a public key serves the algorithms of its own type and no others', async (t) => {
  const [rsa, ec, ed] = [newRsaKey(), newEcKey(), newEd25519Key()]
  const signed: [Algorithm, KeyObject][] = [
    ['RS256', rsa.privateKey],
    ['PS256', rsa.privateKey],
    ['ES256', ec.privateKey],
    ['EdDSA', ed.privateKey],
    ['Ed25519', ed.privateKey],
  ]
  for (const { publicKey, privateKey } of [rsa, ec, ed]) {
    const identify = await openPublicKey(t, pemOf(publicKey))
    for (const [algorithm, key] of signed) {
      const token = signToken(algorithm, key, claims())
      if (key === privateKey) assert.deepEqual(await speaksFor(identify, `Bearer ${token}`), lan, algorithm)
      else await refused(identify, token, 'algorithm')
    }
    // The key is public: as the secret of an HMAC it is everybody's.
    for (const text of [pemOf(publicKey), pemOf(publicKey).trim()]) {
      await refused(identify, signToken('HS256', secretKey(text), claims()), 'algorithm')
    }
    await refused(identify, signToken('none', privateKey, claims()), 'algorithm')
  }
  const identify = await openPublicKey(t, pemOf(rsa.publicKey))
  await refused(identify, signToken('RS256', newRsaKey().privateKey, claims()), 'signature')
})

test('a file without a fitting public key stops the start, and its content is not shown', async (t) => {
  const rsa = newRsaKey()
  const cases: [string, RegExp][] = [
    ['', /holds no public key/],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /holds no public key/],
    [rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /private key/],
    [pemOf(newRsaKey(1024).publicKey), /at least 2048 bits/],
    [pemOf(newEcKey('secp384r1').publicKey), /P-256/],
  ]
  for (const [text, message] of cases) {
    await assert.rejects(openPublicKey(t, text), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /^AUTH_PUBLIC_KEY_FILE /)
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /BEGIN|AAAA/)
      return true
    })
  }
  await assert.rejects(
    open({ kind: 'public-key', file: '/nowhere/public.pem' }),
    /AUTH_PUBLIC_KEY_FILE .*cannot be read/,
  )
})

/** An issuer whose answer can be changed, taken away and counted. */
async function openIssuer(t: TestContext) {
  const issuer = { keys: new Map<string, KeyObject>(), status: 200, page: '', fetches: 0 }
  const server = createServer((_request, response) => {
    issuer.fetches++
    const keys = [...issuer.keys].map(([kid, key]) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' }))
    response.writeHead(issuer.status, { 'content-type': 'application/json', connection: 'close' })
    response.end(issuer.page || JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  const identify = await open({ kind: 'jwks', url: `http://127.0.0.1:${address.port}/keys` })
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  return Object.assign(issuer, { identify })
}

const ofIssuer = (key: KeyObject, kid: string): string => signToken('ES256', key, claims(), { kid })

test('the key set is fetched once, and serves each key for its own type', async (t) => {
  const issuer = await openIssuer(t)
  const [ec, rsa] = [newEcKey(), newRsaKey()]
  issuer.keys.set('ec', ec.publicKey).set('rsa', rsa.publicKey)
  assert.equal(issuer.fetches, 0, 'the start does not need the issuer')
  const tokens = [
    ofIssuer(ec.privateKey, 'ec'),
    signToken('RS256', rsa.privateKey, claims(), { kid: 'rsa' }),
    signToken('PS256', rsa.privateKey, claims(), { kid: 'rsa' }),
    signToken('ES256', ec.privateKey, claims()),
  ]
  for (const token of tokens) assert.deepEqual(await speaksFor(issuer.identify, `Bearer ${token}`), lan)
  await refused(issuer.identify, ofIssuer(newEcKey().privateKey, 'ec'), 'signature')
  await refused(
    issuer.identify,
    signToken('HS256', secretKey(pemOf(rsa.publicKey)), claims(), { kid: 'rsa' }),
    'algorithm',
  )
  await refused(issuer.identify, signToken('none', ec.privateKey, claims(), { kid: 'ec' }), 'algorithm')
  assert.equal(issuer.fetches, 1)
})

test('a new key is fetched once, and unknown keys cannot make the service ask the issuer over and over', async (t) => {
  const issuer = await openIssuer(t)
  const [first, second] = [newEcKey(), newEcKey()]
  issuer.keys.set('first', first.publicKey)
  await issuer.identify(`Bearer ${ofIssuer(first.privateKey, 'first')}`)
  issuer.keys.set('second', second.publicKey)
  await refused(issuer.identify, ofIssuer(second.privateKey, 'second'), 'unknown-key')
  assert.equal(issuer.fetches, 1, 'just fetched, so it is not fetched again')

  t.mock.timers.tick(30_001)
  assert.deepEqual(await speaksFor(issuer.identify, `Bearer ${ofIssuer(second.privateKey, 'second')}`), lan)
  assert.equal(issuer.fetches, 2)
  for (const kid of ['a', 'b', 'c']) await refused(issuer.identify, ofIssuer(second.privateKey, kid), 'unknown-key')
  assert.equal(issuer.fetches, 2)
})

test('a key that the issuer withdrew is refused once the cached set is too old', async (t) => {
  const issuer = await openIssuer(t)
  const [old, next] = [newEcKey(), newEcKey()]
  const token = () => ofIssuer(old.privateKey, 'old')
  issuer.keys.set('old', old.publicKey)
  await issuer.identify(`Bearer ${token()}`)
  issuer.keys.delete('old')
  issuer.keys.set('next', next.publicKey)
  t.mock.timers.tick(599_000)
  assert.deepEqual(await speaksFor(issuer.identify, `Bearer ${token()}`), lan, 'as long as the set is cached')
  t.mock.timers.tick(2_000)
  await refused(issuer.identify, token(), 'unknown-key')
  assert.deepEqual(await speaksFor(issuer.identify, `Bearer ${ofIssuer(next.privateKey, 'next')}`), lan)
  assert.equal(issuer.fetches, 2)
})

test('an issuer that is away is 503, is not asked by every token, and works again when it is back', async (t) => {
  const issuer = await openIssuer(t)
  const { publicKey, privateKey } = newEcKey()
  issuer.keys.set('one', publicKey)
  const call = () => speaksFor(issuer.identify, `Bearer ${ofIssuer(privateKey, 'one')}`)
  const answers = [
    { status: 500, page: '' },
    { status: 302, page: '' },
    { status: 200, page: '<html>' },
    { status: 200, page: '{"keys":{}}' },
  ]
  for (const answer of answers) {
    Object.assign(issuer, answer, { fetches: 0 })
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof Problem)
        assert.equal(error.code, 'keys-unavailable')
        assert.equal(error.status, 503)
        assert.doesNotMatch(error.message, /127\.0\.0\.1/)
        return true
      })
    }
    assert.equal(issuer.fetches, 1, JSON.stringify(answer))
    t.mock.timers.tick(5_001)
  }
  Object.assign(issuer, { status: 200, page: '' })
  assert.deepEqual(await call(), lan)

  const nobody = await open({ kind: 'jwks', url: 'http://127.0.0.1:1/keys' })
  await assert.rejects(nobody(`Bearer ${ofIssuer(privateKey, 'one')}`), { code: 'keys-unavailable' })
  await assert.rejects(nobody(`Bearer ${ofPortal()}`), { code: 'not-authenticated' }, 'no key is needed to refuse this')
})

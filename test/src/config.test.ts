// Every variable: its default, a good value, wrong ones.

import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/values.ts'
import { readConfig } from '../../src/config.ts'
import { startFacts } from '../../src/start-facts.ts'

const s3 = {
  MINIO_ENDPOINT: 'http://127.0.0.1:9000',
  MINIO_ACCESS_KEY: 'key-of-operator',
  MINIO_SECRET_KEY: 'secret-of-operator',
}

/** The message that readConfig stops with. */
function refusal(env: Record<string, string>): string {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${JSON.stringify(env)}: ${error}`)
    return error.message
  }
  assert.fail(`${JSON.stringify(env)} is accepted`)
}

test('an empty environment gives a service on loopback with a directory store', () => {
  assert.deepEqual(readConfig({}), {
    listen: { host: '127.0.0.1', port: 8080 },
    auth: { kind: 'off' },
    engine: { host: 'unix:///var/run/docker.sock' },
    fleet: undefined,
    catalogue: resolve('catalogue.json'),
    store: { kind: 'directory', folder: resolve('artifacts') },
    installation: 'default',
    routesListen: undefined,
    proxy: {
      container: undefined,
      token: undefined,
      entrypoints: 'web',
      middlewares: undefined,
      labDomain: 'lab.localhost',
      sandboxes: '10.201.0.0/16',
    },
    subnets: { base: (10 << 24) + (201 << 16), prefix: 16, size: 24 },
    sandboxUids: { first: 20_000, last: 59_999 },
    upConcurrency: 8,
    connectionsPerAddress: 200,
    collectConcurrency: 4,
    sweepSeconds: 15,
    logLevel: 'info',
  })
})

test('a fleet is a Swarm whose nodes are spoken to by certificates', () => {
  const tls = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/etc/docker/client' }
  assert.deepEqual(readConfig({ FLEET: 'swarm', ...tls }).fleet, { urlTemplate: 'tcp://{addr}:2376' })
  const ENGINE_URL_TEMPLATE = 'tcp://{addr}:2377'
  assert.equal(readConfig({ FLEET: 'swarm', ...tls, ENGINE_URL_TEMPLATE }).fleet?.urlTemplate, ENGINE_URL_TEMPLATE)
  assert.match(startFacts(readConfig({ FLEET: 'swarm', ...tls }))['nodes'] ?? '', /Swarm/)
  assert.match(refusal({ FLEET: 'swarm' }), /DOCKER_CERT_PATH/)
  assert.match(refusal({ FLEET: 'swarm', ...tls, CLASS_SUBNET_SIZE: '27' }), /CLASS_SUBNET_SIZE is 27/)
  assert.match(refusal({ FLEET: 'many' }), /FLEET must be one of single, swarm/)
  assert.match(refusal({ ENGINE_URL_TEMPLATE }), /FLEET is not swarm/)
  for (const wrong of ['{addr}:2376', 'tcp://node:2376', 'unix://{addr}']) {
    assert.match(refusal({ FLEET: 'swarm', ...tls, ENGINE_URL_TEMPLATE: wrong }), /ENGINE_URL_TEMPLATE must be tcp/)
  }
})

test('the uids of sandboxes are a range in order, above the host’s, without the service’s own', () => {
  assert.deepEqual(readConfig({ SANDBOX_UIDS: '100000-100000' }).sandboxUids, { first: 100_000, last: 100_000 })
  for (const wrong of [
    '999-2000',
    '0-5000',
    '3000-2000',
    '3000',
    '3000-',
    'a-b',
    '-1-2000',
    '3000-2147483648',
    '1e4-2e4',
  ]) {
    assert.match(refusal({ SANDBOX_UIDS: wrong }), /^SANDBOX_UIDS .*20000-59999/, wrong)
  }
})

test('the uids of sandboxes do not have the service’s own among them', () => {
  assert.throws(() => readConfig({}, 20_000), /^ConfigError: SANDBOX_UIDS .*20000.*run it as another user/)
  assert.throws(() => readConfig({}, 59_999), ConfigError)
  assert.deepEqual(readConfig({ SANDBOX_UIDS: '20001-20002' }, 20_000).sandboxUids, { first: 20_001, last: 20_002 })
})

test('every variable is read', () => {
  const config = readConfig({
    ...s3,
    LISTEN: '127.0.0.2:81',
    DOCKER_HOST: 'tcp://engine.example:2376',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: '/etc/docker/certs',
    FLEET: 'swarm',
    ENGINE_URL_TEMPLATE: 'tcp://{addr}:2377',
    CATALOGUE: '/etc/class-runtime/catalogue.json',
    MINIO_BUCKET: 'bags',
    MINIO_PREFIX: 'labs/hanoi/',
    MINIO_REGION: 'vn-hanoi-1',
    MINIO_PUBLIC_ENDPOINT: 'https://files.example',
    AUTH: 'jwt',
    AUTH_PUBLIC_KEY_FILE: '/etc/class-runtime/portal.pem',
    AUTH_ISSUER: 'https://portal.example',
    AUTH_AUDIENCE: 'class-runtime',
    TRAEFIK_CONTAINER: 'traefik',
    TRAEFIK_TOKEN: 'a-token-of-traefik',
    ROUTES_LISTEN: '172.17.0.1:8081',
    TRAEFIK_ENTRYPOINTS: 'websecure',
    TRAEFIK_MIDDLEWARES: 'auth@file',
    LAB_DOMAIN: 'lab.example.edu.vn',
    CLASS_SUBNET_POOL: '172.20.0.0/14',
    CLASS_SUBNET_SIZE: '26',
    INSTALLATION_ID: 'campus-2.north',
    SANDBOX_UIDS: '30000-30999',
    UP_CONCURRENCY: '64',
    CONNECTIONS_PER_ADDRESS: '1800',
    COLLECT_CONCURRENCY: '1',
    SWEEP_SECONDS: '60',
    LOG_LEVEL: 'trace',
  })
  assert.deepEqual(config, {
    listen: { host: '127.0.0.2', port: 81 },
    routesListen: { host: '172.17.0.1', port: 8081 },
    auth: {
      kind: 'jwt',
      key: { kind: 'public-key', file: '/etc/class-runtime/portal.pem' },
      issuer: 'https://portal.example',
      audience: 'class-runtime',
    },
    engine: { host: 'tcp://engine.example:2376', certPath: '/etc/docker/certs' },
    fleet: { urlTemplate: 'tcp://{addr}:2377' },
    catalogue: '/etc/class-runtime/catalogue.json',
    store: {
      kind: 's3',
      endpoint: 'http://127.0.0.1:9000',
      accessKey: 'key-of-operator',
      secretKey: 'secret-of-operator',
      prefix: 'labs/hanoi',
      publicEndpoint: 'https://files.example',
      caFile: undefined,
      bucket: 'bags',
      region: 'vn-hanoi-1',
    },
    installation: 'campus-2.north',
    proxy: {
      container: 'traefik',
      token: 'a-token-of-traefik',
      entrypoints: 'websecure',
      middlewares: 'auth@file',
      labDomain: 'lab.example.edu.vn',
      sandboxes: '172.20.0.0/14',
    },
    subnets: { base: 172 * 2 ** 24 + 20 * 2 ** 16, prefix: 14, size: 26 },
    sandboxUids: { first: 30_000, last: 30_999 },
    upConcurrency: 64,
    connectionsPerAddress: 1_800,
    collectConcurrency: 1,
    sweepSeconds: 60,
    logLevel: 'trace',
  })
})

test('an empty or blank value counts as unset', () => {
  assert.deepEqual(readConfig({ LISTEN: '', MINIO_ENDPOINT: '  ', UP_CONCURRENCY: '', AUTH: '' }), readConfig({}))
})

test('a wrong value is refused by the name of its variable', () => {
  const wrong: [string, string][] = [
    ['LISTEN', 'nonsense'],
    ['LISTEN', '127.0.0.1'],
    ['LISTEN', '127.0.0.1:65536'],
    ['LISTEN', '127.0.0.1:-1'],
    ['LISTEN', '127.0.0.1:http'],
    ['LISTEN', '::1:8080'],
    ['LISTEN', 'unix:relative.sock'],
    ['INSTALLATION_ID', 'Upper'],
    ['INSTALLATION_ID', 'with space'],
    ['INSTALLATION_ID', 'x'.repeat(64)],
    ['LAB_DOMAIN', 'lab.example`) || Host(`evil'],
    ['LAB_DOMAIN', 'UPPER.example'],
    ['LAB_DOMAIN', 'lab..example'],
    ['LAB_DOMAIN', '.lab.example'],
    ['LAB_DOMAIN', 'lab.example.'],
    ['LAB_DOMAIN', '-lab.example'],
    ['LAB_DOMAIN', `${'x'.repeat(64)}.example`],
    ['CLASS_SUBNET_POOL', '10.201.0.0'],
    ['CLASS_SUBNET_POOL', '10.201.0.0/7'],
    ['CLASS_SUBNET_POOL', '10.201.0.0/29'],
    ['CLASS_SUBNET_POOL', '10.201.0.1/16'],
    ['CLASS_SUBNET_POOL', 'fd00::/16'],
    ['CLASS_SUBNET_SIZE', '15'],
    ['CLASS_SUBNET_SIZE', '30'],
    ['CLASS_SUBNET_SIZE', '24.5'],
    ['UP_CONCURRENCY', '0'],
    ['UP_CONCURRENCY', '65'],
    ['UP_CONCURRENCY', 'many'],
    ['CONNECTIONS_PER_ADDRESS', '0'],
    ['CONNECTIONS_PER_ADDRESS', '1801'],
    ['COLLECT_CONCURRENCY', '-1'],
    ['SWEEP_SECONDS', '0x10'],
    ['SWEEP_SECONDS', '1e1'],
    ['SWEEP_SECONDS', '+5'],
    ['LOG_LEVEL', 'loud'],
    ['AUTH', 'on'],
    ['AUTH', 'jwt'],
    ['AUTH_JWT_SECRET', 'x'.repeat(31)],
    ['AUTH_JWKS_URL', 'portal.example/keys'],
    ['AUTH_JWKS_URL', 'http://portal.example/keys'],
    ['AUTH_JWKS_URL', 'http://127.0.0.1.evil.example/keys'],
    ['AUTH_JWKS_URL', 'file:///etc/keys.json'],
    ['AUTH_JWKS_URL', 'https://user:password@portal.example/keys'],
    ['AUTH_JWKS_URL', 'https://portal.example/keys'],
    ['AUTH_ISSUER', 'https://portal.example'],
    ['AUTH_AUDIENCE', 'class-runtime'],
    ['DOCKER_TLS_VERIFY', '1'],
    ['MINIO_ENDPOINT', 'ftp://127.0.0.1'],
    ['MINIO_ENDPOINT', 'http://127.0.0.1:9000/path'],
    ['MINIO_ENDPOINT', 'http://'],
    ['MINIO_ENDPOINT', 'http://127.0.0.1:0'],
    ['MINIO_ENDPOINT', 'http://[::1]:9000'],
    ['MINIO_ENDPOINT', 'http://minio:9000?a=b'],
    ['MINIO_ENDPOINT', 'http://minio:9000/?'],
    ['MINIO_ENDPOINT', 'http://minio:9000#part'],
    ['MINIO_PUBLIC_ENDPOINT', 'http://127.0.0.1:0'],
    ['MINIO_PUBLIC_ENDPOINT', 'https://key:secret@files.example'],
    ['MINIO_PUBLIC_ENDPOINT', 'https://files.example/minio'],
    ['MINIO_CA_FILE', '/etc/ca.pem'],
    ['MINIO_BUCKET', 'Bags'],
    ['MINIO_BUCKET', 'a'],
    ['MINIO_BUCKET', 'a..b'],
    ['MINIO_BUCKET', 'a.-b'],
    ['MINIO_BUCKET', '192.168.1.1'],
    ['MINIO_PREFIX', '/'],
    ['MINIO_PREFIX', '../others'],
    ['MINIO_PREFIX', 'a//b'],
    ['MINIO_PREFIX', '.class-runtime'],
    ['MINIO_PREFIX', 'a b'],
    ['MINIO_PREFIX', 'x'.repeat(65)],
  ]
  for (const [name, value] of wrong) {
    const others: Record<string, string> = name.startsWith('MINIO_') ? s3 : {}
    assert.match(refusal({ ...others, [name]: value }), new RegExp(`^${name}\\b`), `${name}=${value}`)
  }
})

test('both keys of MinIO are asked for by name', () => {
  for (const missing of ['MINIO_ACCESS_KEY', 'MINIO_SECRET_KEY']) {
    assert.match(refusal({ ...s3, [missing]: '' }), new RegExp(missing))
  }
})

test('half a setting of the store is refused, whichever half, and so are two stores', () => {
  const { MINIO_ENDPOINT: _, ...keys } = s3
  const withoutEndpoint: Record<string, string>[] = [
    keys,
    { MINIO_ACCESS_KEY: 'key-of-operator' },
    { MINIO_SECRET_KEY: 'secret-of-operator' },
    { MINIO_BUCKET: 'bags' },
    { MINIO_REGION: 'vn-hanoi-1' },
    { MINIO_PREFIX: 'labs' },
    { MINIO_PUBLIC_ENDPOINT: 'https://files.example' },
    { MINIO_CA_FILE: '/etc/ca.pem' },
    { ...keys, MINIO_ENDPOINT: ' ' },
    { ARTIFACTS_DIR: '/srv/bags', MINIO_BUCKET: 'bags' },
  ]
  for (const env of withoutEndpoint)
    assert.match(refusal(env), /^MINIO_\w+ is set, but MINIO_ENDPOINT is not: .*folder/)
  assert.match(refusal({ ...s3, ARTIFACTS_DIR: '/srv/bags' }), /^ARTIFACTS_DIR and MINIO_ENDPOINT are both set/)
  // As a compose file passes what its operator left out.
  const empty = { MINIO_ENDPOINT: '', MINIO_ACCESS_KEY: '', MINIO_SECRET_KEY: '', MINIO_BUCKET: '', MINIO_REGION: '' }
  assert.deepEqual(readConfig({ ...empty, ARTIFACTS_DIR: '/srv/bags' }).store, {
    kind: 'directory',
    folder: '/srv/bags',
  })
  assert.equal(readConfig({ ...s3, ARTIFACTS_DIR: '' }).store.kind, 's3')
})

test('half a setting of Traefik or of TLS is refused: it would be ignored', () => {
  for (const name of ['TRAEFIK_ENTRYPOINTS', 'TRAEFIK_MIDDLEWARES']) {
    assert.match(refusal({ [name]: 'x' }), new RegExp(`^${name} is set, but TRAEFIK_CONTAINER is not`))
  }
  const certPath = { DOCKER_CERT_PATH: '/etc/docker/certs' }
  assert.match(
    refusal({ ...certPath, DOCKER_HOST: 'tcp://engine.example:2376' }),
    /^DOCKER_CERT_PATH .*DOCKER_TLS_VERIFY/,
  )
  assert.deepEqual(readConfig(certPath).engine, { host: 'unix:///var/run/docker.sock' })
})

test('a misspelt setting is refused with the right name', () => {
  const cases: [string, string][] = [
    ['MINIO_ENDPIONT', 'MINIO_ENDPOINT'],
    ['MINIO_ENDPOINTS', 'MINIO_ENDPOINT'],
    ['MINIO_END_POINT', 'MINIO_ENDPOINT'],
    ['MINIO_ENDPOINT_URL', 'MINIO_ENDPOINT'],
    ['MINO_ENDPOINT', 'MINIO_ENDPOINT'],
    ['minio_endpoint', 'MINIO_ENDPOINT'],
    ['MINIO_ACCES_KEY', 'MINIO_ACCESS_KEY'],
    ['MINIO_ACCESS_KEY_ID', 'MINIO_ACCESS_KEY'],
    ['MINIO_SECRETKEY', 'MINIO_SECRET_KEY'],
    ['MINIO_BUCKETS', 'MINIO_BUCKET'],
    ['MINIO_BUCKET_NAME', 'MINIO_BUCKET'],
    ['MINIO_REGOIN', 'MINIO_REGION'],
    ['ARTIFACT_DIR', 'ARTIFACTS_DIR'],
    ['AUTH_JWT_SECRETS', 'AUTH_JWT_SECRET'],
    ['AUTH_JTW_SECRET', 'AUTH_JWT_SECRET'],
    ['AUTH_JWKS_URI', 'AUTH_JWKS_URL'],
    ['AUTH_PUBLIC_KEYFILE', 'AUTH_PUBLIC_KEY_FILE'],
    ['AUTH_ISSUERS', 'AUTH_ISSUER'],
    ['TRAEFIK_CONTIANER', 'TRAEFIK_CONTAINER'],
    ['TRAEFIK_MIDDLEWARE', 'TRAEFIK_MIDDLEWARES'],
    ['DOCKER_HOTS', 'DOCKER_HOST'],
    ['DOCKERHOST', 'DOCKER_HOST'],
    ['CLASS_SUBNETS_POOL', 'CLASS_SUBNET_POOL'],
    ['INSTALATION_ID', 'INSTALLATION_ID'],
  ]
  for (const [name, meant] of cases) {
    const words = refusal({ [name]: 'some-value' })
    assert.ok(words.startsWith(`${name} is not a setting of this service: did you mean ${meant}? `), words)
    assert.ok(!words.includes('some-value'))
    assert.doesNotThrow(() => readConfig({ [name]: '' }), 'an empty one asks for nothing')
  }
  const file = refusal({ AUTH_JWT_SECRET_FILE: '/run/secrets/a-name-of-more-than-32-bytes' })
  assert.match(file, /AUTH_JWT_SECRET is, with the value itself and not the name of a file/)
})

test('names of other programs, and one beside the right name, are none of our business', () => {
  const others = [
    ...[
      'MINIO_ROOT_USER',
      'MINIO_ROOT_PASSWORD',
      'MINIO_ROOT_USER_FILE',
      'MINIO_VOLUMES',
      'MINIO_OPTS',
      'MINIO_BROWSER',
    ],
    ...['MINIO_SERVER_URL', 'MINIO_DOMAIN', 'MINIO_SITE_REGION', 'MINIO_REGION_NAME', 'MINIO_CONFIG_ENV_FILE'],
    ...[
      'MINIO_ACCESS_KEY_FILE',
      'MINIO_SECRET_KEY_FILE',
      'MINIO_ACCESS_KEY_OLD',
      'MINIO_DEFAULT_BUCKETS',
      'MINIO_PORT',
    ],
    ...['MINIO_SERVICE_HOST', 'MINIO_PORT_9000_TCP', 'MINIO_PROMETHEUS_AUTH_TYPE', 'MINIO_STORAGE_CLASS_STANDARD'],
    ...[
      'DOCKER_CONFIG',
      'DOCKER_CONTEXT',
      'DOCKER_TLS',
      'DOCKER_PORT',
      'DOCKER_HOST_IP',
      'DOCKER_BUILDKIT',
      'DOCKER_GROUP',
    ],
    ...['DOCKER_API_VERSION', 'DOCKER_CONTENT_TRUST', 'DOCKER_DEFAULT_PLATFORM', 'DOCKER_CLI_HINTS'],
    ...['TRAEFIK_ENTRYPOINTS_WEB_ADDRESS', 'TRAEFIK_PROVIDERS_DOCKER', 'TRAEFIK_LOG_LEVEL', 'TRAEFIK_PORT'],
    ...[
      'AUTH_SECRET',
      'AUTH_URL',
      'AUTH_TRUST_HOST',
      'AUTH_SERVICE_HOST',
      'AUTH_TOKEN',
      'OAUTH',
      'SSH_AUTH_SOCK',
      'XAUTHORITY',
    ],
    ...[
      'LOGLEVEL',
      'LISTEN_FDS',
      'LISTEN_PID',
      'PATH',
      'HOME',
      'HOSTNAME',
      'DOMAIN',
      'CATALOG',
      'LIVE_S3',
      'NODE_OPTIONS',
    ],
  ]
  for (const name of others) assert.deepEqual(readConfig({ [name]: 'value' }), readConfig({}), name)
  assert.equal(
    readConfig({ ...s3, MINIO_ENDPOINTS: 'x', MINIO_BUCKET: 'bags', MINIO_BUCKET_NAME: 'y' }).store.kind,
    's3',
  )
})

test('what cannot be seen in a value is written out', () => {
  assert.match(refusal({ INSTALLATION_ID: 'north\u200b' }), /'north\\u\{200b\}'/)
  assert.match(refusal({ ...s3, MINIO_BUCKET: 'bags\u00a0x' }), /'bags\\u\{a0\}x'/)
})

test('the start names store, engine, catalogue and key source, and no secret', () => {
  const portal = { AUTH_ISSUER: 'https://portal.example', AUTH_AUDIENCE: 'class-runtime' }
  const facts = (env: Record<string, string>) => startFacts(readConfig({ CATALOGUE: '/srv/catalogue.json', ...env }))
  assert.deepEqual(facts({ ARTIFACTS_DIR: '/srv/bags' }), {
    store: 'the folder /srv/bags',
    engine: 'unix:///var/run/docker.sock',
    catalogue: '/srv/catalogue.json',
    keySource: 'none: AUTH is off',
    installation: 'default',
  })
  const all = facts({
    ...s3,
    ...portal,
    AUTH_JWKS_URL: 'https://portal.example/keys?token=secret-of-operator',
    DOCKER_HOST: 'tcp://secret-of-operator@engine.example:2376',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: '/etc/docker/certs',
  })
  assert.equal(all['store'], 's3://class-artifacts at http://127.0.0.1:9000, region us-east-1')
  assert.equal(all['engine'], 'tcp://engine.example:2376, certificates in /etc/docker/certs')
  assert.equal(all['keySource'], 'the key set https://portal.example/keys')
  assert.equal(facts({ AUTH_JWT_SECRET: secret })['keySource'], 'the secret of AUTH_JWT_SECRET')
  assert.equal(facts({ AUTH_PUBLIC_KEY_FILE: '/srv/portal.pem' })['keySource'], 'the public key /srv/portal.pem')
  assert.doesNotMatch(JSON.stringify([all, facts({ AUTH_JWT_SECRET: secret })]), /-of-operator|a-secret-of/)
})

test('only loopback and Unix sockets are listened on while callers are not authenticated', () => {
  const loopback: [string, object][] = [
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['127.255.0.3:8080', { host: '127.255.0.3', port: 8080 }],
    ['localhost:8080', { host: 'localhost', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['/run/class-runtime.sock', { path: '/run/class-runtime.sock' }],
    ['unix:/run/class-runtime.sock', { path: '/run/class-runtime.sock' }],
    ['unix:///run/class-runtime.sock', { path: '/run/class-runtime.sock' }],
  ]
  for (const [text, listen] of loopback) assert.deepEqual(readConfig({ LISTEN: text }).listen, listen)

  const open = [
    '0.0.0.0:8080',
    '[::]:8080',
    '192.168.1.5:8080',
    '[fe80::1]:8080',
    'campus.example:8080',
    '127.0.0.1.evil.example:80',
    '127.1:80',
  ]
  for (const text of open) {
    assert.match(refusal({ LISTEN: text }), /^LISTEN .*no authentication/, text)
    assert.match(refusal({ LISTEN: text, AUTH: 'off' }), /^LISTEN .*no authentication/, text)
  }
})

const secret = 'a-secret-of-32-bytes-at-the-least'

test('with authentication every address may be listened on', () => {
  for (const [text, host] of [
    ['0.0.0.0:8080', '0.0.0.0'],
    ['[::]:8080', '::'],
    ['campus.example:8080', 'campus.example'],
  ]) {
    assert.deepEqual(readConfig({ LISTEN: text, AUTH_JWT_SECRET: secret }).listen, { host, port: 8080 })
  }
})

test('one key source turns authentication on; none, two, or one that AUTH=off would ignore stop the start', () => {
  const key = { kind: 'secret', secret }
  const on = { kind: 'jwt', key, issuer: undefined, audience: undefined }
  assert.deepEqual(readConfig({ AUTH_JWT_SECRET: secret }).auth, on)
  assert.deepEqual(readConfig({ AUTH: 'jwt', AUTH_JWT_SECRET: secret }).auth, on)
  const issuer = { AUTH_ISSUER: 'https://portal.example', AUTH_AUDIENCE: 'class-runtime' }
  for (const url of ['https://portal.example/keys', 'http://127.0.0.1:9/keys', 'http://[::1]:9/keys']) {
    assert.deepEqual(readConfig({ ...issuer, AUTH_JWKS_URL: url }).auth, {
      kind: 'jwt',
      key: { kind: 'jwks', url },
      issuer: 'https://portal.example',
      audience: 'class-runtime',
    })
  }
  assert.deepEqual(readConfig({ AUTH: 'off' }).auth, { kind: 'off' })

  const sources = {
    AUTH_JWT_SECRET: secret,
    AUTH_PUBLIC_KEY_FILE: 'key.pem',
    AUTH_JWKS_URL: 'https://portal.example/keys',
  }
  const wrong: [Record<string, string>, RegExp][] = [
    [{ AUTH: 'jwt' }, /exactly one .* set: none/],
    [{ ...issuer, ...sources }, /exactly one .* AUTH_JWT_SECRET, AUTH_PUBLIC_KEY_FILE, AUTH_JWKS_URL/],
    [{ AUTH_JWT_SECRET: secret, AUTH_PUBLIC_KEY_FILE: 'key.pem' }, /exactly one/],
    [{ AUTH: 'off', AUTH_JWT_SECRET: secret }, /^AUTH_JWT_SECRET is set/],
    [{ AUTH_JWKS_URL: sources.AUTH_JWKS_URL, AUTH_ISSUER: issuer.AUTH_ISSUER }, /AUTH_AUDIENCE must be set/],
  ]
  for (const [env, message] of wrong) assert.match(refusal(env), message)
})

test('no message holds a key or secret, not even one inside an endpoint', () => {
  const wrong: Record<string, string>[] = [
    { ...s3, MINIO_ACCESS_KEY: '' },
    { ...s3, MINIO_SECRET_KEY: '' },
    { ...s3, MINIO_BUCKET: 'Bad Bucket' },
    { ...s3, LISTEN: 'nonsense' },
    { AUTH: 'off', AUTH_JWT_SECRET: 'secret-of-operator-that-is-long-enough' },
    { AUTH_JWT_SECRET: 'secret-of-operator' },
    { AUTH_JWKS_URL: 'https://key-of-operator:secret-of-operator@portal.example/' },
    { ...s3, MINIO_ENDPOINT: 'http://key-of-operator:secret-of-operator@127.0.0.1:9000/path' },
    { ...s3, MINIO_ENDPOINT: 'http://key-of-operator:secret-of-operator@127.0.0.1:9000' },
  ]
  for (const env of wrong) assert.doesNotMatch(refusal(env), /key-of-operator|secret-of-operator/)
})

test('an endpoint without a scheme is plain HTTP', () => {
  const { store } = readConfig({ ...s3, MINIO_ENDPOINT: 'minio.example:9000' })
  assert.ok(store.kind === 's3')
  assert.equal(store.endpoint, 'http://minio.example:9000')
  assert.equal(store.bucket, 'class-artifacts')
  assert.equal(store.region, 'us-east-1')
})

test('a subnet size may carry its slash, and a small pool is one network', () => {
  assert.equal(readConfig({ CLASS_SUBNET_SIZE: '/27' }).subnets.size, 27)
  assert.deepEqual(readConfig({ CLASS_SUBNET_POOL: '10.0.0.0/26' }).subnets, {
    base: 10 * 2 ** 24,
    prefix: 26,
    size: 26,
  })
})

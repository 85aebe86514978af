// Every variable of the environment that the service reads: its default, and what it is for. docs/settings.md is made from this.

interface Setting {
  /** Absent: it has none. */
  readonly default?: string
  /** A sentence or two for an operator, in Markdown. */
  readonly says: string
}

export const settings = {
  LISTEN: {
    default: '127.0.0.1:8080',
    says: '`host:port`, or the path of a Unix socket. The default is loopback: nobody else can reach a service that was started without a thought about callers. Any other address needs a key source.',
  },
  CATALOGUE: {
    default: 'catalogue.json',
    says: 'The file of labs, subjects and classes. It is read again when it changes; a broken edit is reported, and the last good one is kept.',
  },
  INSTALLATION_ID: {
    default: 'default',
    says: 'A short lower-case name. Two installations on one engine never see each other’s classes. Change it before the first class, not after.',
  },
  LOG_LEVEL: {
    default: 'info',
    says: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`. At `trace` each engine call is printed as the curl line that repeats it.',
  },

  DOCKER_HOST: {
    default: 'unix:///var/run/docker.sock',
    says: 'The engine: `unix://` or `tcp://`.',
  },
  DOCKER_TLS_VERIFY: {
    says: 'Any value: the engine is spoken to by TLS, with the certificates of `DOCKER_CERT_PATH`.',
  },
  DOCKER_CERT_PATH: { says: 'The folder of `ca.pem`, `cert.pem` and `key.pem`.' },
  FLEET: {
    default: 'single',
    says: '`single`: one engine, that of `DOCKER_HOST`. `swarm`: `DOCKER_HOST` is a manager of a Docker Swarm, and sandboxes are on all of its nodes, each reached by TLS at `ENGINE_URL_TEMPLATE` with the certificates of `DOCKER_CERT_PATH`. Change it while no class is up.',
  },
  ENGINE_URL_TEMPLATE: {
    default: 'tcp://{addr}:2376',
    says: 'With `FLEET=swarm`: where the engine of a node is; `{addr}` stands for the address that the manager has of it.',
  },

  MINIO_ENDPOINT: {
    says: '`http://host:9000` or `https://host`: bags go to this S3 server. Downloads are redirects to it: where browsers reach it by another name, set `MINIO_PUBLIC_ENDPOINT` too.',
  },
  MINIO_PUBLIC_ENDPOINT: {
    says: 'The address of the same S3 server for those who download, such as `https://files.example.org`. Unset: `MINIO_ENDPOINT`.',
  },
  MINIO_CA_FILE: {
    says: 'The certificate (PEM) of the CA that signed the one of `MINIO_ENDPOINT`, where it is none that Node.js knows. No other CA is then trusted for it.',
  },
  MINIO_ACCESS_KEY: { says: 'Needed with `MINIO_ENDPOINT`.' },
  MINIO_SECRET_KEY: { says: 'Needed with `MINIO_ENDPOINT`.' },
  MINIO_BUCKET: {
    default: 'class-artifacts',
    says: 'The bucket. It is made where it is absent and the keys may make it. One with versioning or object lock is refused.',
  },
  MINIO_PREFIX: {
    says: 'A place in a bucket that others use too, such as `labs/hanoi`: everything of this service lies below it. Change it before the first class, not after.',
  },
  MINIO_REGION: { default: 'us-east-1', says: 'The region that requests are signed for. The default is MinIO’s own.' },
  ARTIFACTS_DIR: {
    default: 'artifacts',
    says: 'Without `MINIO_ENDPOINT`: the folder that bags go to. Set one or the other, not both.',
  },

  AUTH: {
    says: '`jwt` or `off`. A key source turns it on, and without one it is off; `AUTH` only says the same aloud.',
  },
  AUTH_JWT_SECRET: { says: 'A key source: the secret shared with the portal, at least 32 random bytes (HS256).' },
  AUTH_PUBLIC_KEY_FILE: { says: 'A key source: the file of the portal’s public key (PEM).' },
  AUTH_JWKS_URL: {
    says: 'A key source: the key set of an issuer, by https, or by http on loopback. `AUTH_ISSUER` and `AUTH_AUDIENCE` must be set too, since the issuer also signs for others.',
  },
  AUTH_ISSUER: { says: 'What `iss` of a token must be. Unset: any.' },
  AUTH_AUDIENCE: { says: 'What `aud` of a token must hold. Unset: any.' },

  TRAEFIK_CONTAINER: {
    says: 'Name or id of the Traefik container on the same engine. Unset: endpoints are the sandboxes’ own addresses, and the host can be reached from sandboxes.',
  },
  TRAEFIK_TOKEN: {
    says: 'Needed with `TRAEFIK_CONTAINER`: what Traefik shows when it asks `GET /room/traefik` for its routes (`--providers.http.headers.Authorization=Bearer …`). 16 to 256 characters, such as `openssl rand -hex 32` prints.',
  },
  ROUTES_LISTEN: {
    says: '`host:port`, a listener of its own that gives Traefik its routes and the pages in the place of sandboxes that cannot be visited, and nothing else. For a service on the host itself, whose loopback a Traefik in a container cannot reach.',
  },
  TRAEFIK_ENTRYPOINTS: { default: 'web', says: 'The entrypoints of the sandboxes’ routers.' },
  TRAEFIK_MIDDLEWARES: { says: 'The middlewares of the sandboxes’ routers, such as a forwardAuth of yours.' },
  LAB_DOMAIN: {
    default: 'lab.localhost',
    says: 'A sandbox’s host is `<studentId>--<classId>.<LAB_DOMAIN>`, in lower case. Browsers lead `*.localhost` to their own host: right for a try, to be set for real use.',
  },

  CLASS_SUBNET_POOL: {
    default: '10.201.0.0/16',
    says: 'The IPv4 block that class networks are cut from. The engine’s own pools end at 30 networks; this block is rarely routed.',
  },
  CLASS_SUBNET_SIZE: {
    default: '24',
    says: 'The prefix length of one class network, up to 29. Each sandbox has an address of its own for the whole session, and a sixteenth of the subnet is kept for containers that have none: a /24 holds 237 students, a /29 three. Where the pool’s own prefix is longer than 24, that is the default.',
  },
  SANDBOX_UIDS: {
    default: '20000-59999',
    says: 'The user numbers that sandboxes run as, each its own while its session lasts, since the kernel counts watches, queues and processes by user. Not the service’s own; below 65,536 where the engine remaps users.',
  },
  UP_CONCURRENCY: {
    default: '8',
    says: 'Sandboxes that start at once, 1 to 64. The engine’s start-up cost stops shrinking at about four on two cores; eight suits larger hosts.',
  },
  COLLECT_CONCURRENCY: {
    default: '4',
    says: 'Sandboxes that are collected at once, 1 to 64. Each holds one archive stream and up to 16 MiB of small files. A class that has none under way gets one beyond the bound.',
  },
  SWEEP_SECONDS: {
    default: '15',
    says: 'How often the service looks at what it has to do by itself. A round costs three lists of the engine and one small object a session.',
  },
  CONNECTIONS_PER_ADDRESS: {
    default: '200',
    says: 'What one address may hold of the 2,000 connections, 1 to 1,800. Behind a reverse proxy all callers are one address: set it to what the proxy opens at most.',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

const isSetting = (name: string): name is SettingName => Object.hasOwn(settings, name)

/** In the order of the page. */
export const settingNames: readonly SettingName[] = Object.keys(settings).filter(isSetting)

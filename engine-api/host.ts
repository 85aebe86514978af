// Where the engine is: `unix:///path` or `tcp://host:port`, the latter with mutual TLS where a certificate folder is given.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from './errors.ts'

export interface HostOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly host: string
  /** Folder with ca.pem, cert.pem and key.pem: mutual TLS, for tcp hosts. */
  readonly certPath?: string | undefined
}

export interface Host {
  /** For people: the socket's path or the address. */
  readonly name: string
  /** What HTTP is told; over a Unix socket a stand-in, since HTTP wants a host and the engine ignores it. */
  readonly origin: string
  readonly connect: {
    readonly socketPath?: string
    readonly ca?: Buffer
    readonly cert?: Buffer
    readonly key?: Buffer
  }
}

/** Throws EngineError `invalid-argument` for anything it cannot use, saying what it can. */
export function parseHost({ host, certPath }: HostOptions): Host {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(host)?.[1]
  if (socketPath !== undefined) {
    if (certPath !== undefined) throw unusable(`a certificate folder fits tcp hosts only, not ${host}`)
    return { name: socketPath, origin: 'http://docker', connect: { socketPath } }
  }
  const address = /^tcp:\/\/((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5})\/?$/.exec(host)?.[1]
  if (address === undefined) {
    throw unusable(`the host ${JSON.stringify(host)} is neither unix:///path nor tcp://host:port`)
  }
  if (certPath === undefined) return { name: address, origin: `http://${address}`, connect: {} }
  const pem = (name: string): Buffer => readPem(join(certPath, name))
  return {
    name: address,
    origin: `https://${address}`,
    connect: { ca: pem('ca.pem'), cert: pem('cert.pem'), key: pem('key.pem') },
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw unusable(`the certificate file ${path} cannot be read`, cause)
  }
}

function unusable(message: string, cause?: unknown): EngineError {
  return new EngineError(message, { code: 'invalid-argument', operation: 'engine-host', retry: 'no', cause })
}

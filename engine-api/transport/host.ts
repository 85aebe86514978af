// Where the engine is: `unix:///path` or `tcp://host:port`, the latter with mutual TLS where a certificate folder is given.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { EngineError } from '../errors.ts'

export interface HostOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly host: string
  /** Folder with ca.pem, cert.pem and key.pem: mutual TLS, for tcp hosts. */
  readonly certPath?: string | undefined
}

/** What a host's text and a certificate folder name; no file of the folder is read for it. */
export interface Address {
  /** For people: the socket's path or the address. */
  readonly name: string
  /** What HTTP is told; over a Unix socket a stand-in, since HTTP wants a host and the engine ignores it. */
  readonly origin: string
  readonly socketPath?: string
  /** Paths of PEM files. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
}

export interface Host {
  readonly name: string
  readonly origin: string
  readonly connect: {
    readonly socketPath?: string
    readonly ca?: Buffer
    readonly cert?: Buffer
    readonly key?: Buffer
  }
}

/** The host with its certificates read. Throws EngineError `invalid-argument` for anything it cannot use. */
export function parseHost(options: HostOptions): Host {
  const { name, origin, socketPath, tls } = parseAddress(options)
  if (socketPath !== undefined) return { name, origin, connect: { socketPath } }
  if (tls === undefined) return { name, origin, connect: {} }
  const connect = { ca: readPem(tls.ca), cert: readPem(tls.cert), key: readPem(tls.key) }
  try {
    createSecureContext(connect)
  } catch (cause) {
    throw unusable(
      `${tls.ca}, ${tls.cert} and ${tls.key} must be PEM files, and the key that of the certificate`,
      cause,
    )
  }
  return { name, origin, connect }
}

/** Throws EngineError `invalid-argument` for anything it cannot use, saying what it can. */
export function parseAddress({ host, certPath }: HostOptions): Address {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(host)?.[1]
  if (socketPath !== undefined) {
    if (certPath !== undefined) throw unusable(`a certificate folder fits tcp hosts only, not ${host}`)
    return { name: socketPath, origin: 'http://docker', socketPath }
  }
  const address = /^tcp:\/\/((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5})\/?$/.exec(host)?.[1]
  if (address === undefined) {
    throw unusable(`the host ${JSON.stringify(host)} is neither unix:///path nor tcp://host:port`)
  }
  if (certPath === undefined) return { name: address, origin: `http://${address}` }
  const pem = (name: string): string => join(certPath, name)
  return {
    name: address,
    origin: `https://${address}`,
    tls: { ca: pem('ca.pem'), cert: pem('cert.pem'), key: pem('key.pem') },
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
  return new EngineError(message, { code: 'invalid-argument', endpoint: 'engine-host', retry: 'no', cause })
}

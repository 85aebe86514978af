// The shell line that repeats a call: for logs, and for whoever wants to ask the engine what the client asked.
// It never holds a secret, so a line with `[secret]` in it must be completed by hand before it is pasted.

import { type HostOptions, parseAddress } from './transport/host.ts'
import type { CallReport } from './transport/report.ts'

const mask = '[secret]'

/**
 * A call as one `curl` command for any POSIX shell. A tar that was uploaded is read from a file `upload.tar`, to be put in
 * its place. Masked: the values of every `Env` list in a JSON body, and the credentials of registries.
 * Throws EngineError `invalid-argument` for a host that the client cannot use.
 */
export function curlLine(host: HostOptions, call: Pick<CallReport, 'method' | 'path' | 'query' | 'sent'>): string {
  const { origin, socketPath, tls } = parseAddress(host)
  const { headers, body } = call.sent
  const words = ['curl']
  const add = (option: string, value: string): void => void words.push(option, quoted(value))

  if (socketPath !== undefined) add('--unix-socket', socketPath)
  if (tls !== undefined) {
    add('--cacert', tls.ca)
    add('--cert', tls.cert)
    add('--key', tls.key)
  }
  // With `--request HEAD` curl would wait for a body.
  if (call.method === 'HEAD') words.push('--head')
  else if (call.method !== 'GET') words.push('--request', call.method)
  for (const [name, value] of Object.entries(headers)) {
    add('--header', `${name}: ${isCredential(name) ? mask : value}`)
  }
  if (body === 'tar') words.push('--upload-file', '-')
  else if (body !== undefined) add('--data-raw', JSON.stringify(body.json, withoutSecrets))
  words.push(quoted(`${origin}${call.path}${call.query === undefined ? '' : `?${call.query}`}`))
  if (body === 'tar') words.push('<upload.tar')
  return words.join(' ')
}

/** X-Registry-Auth and X-Registry-Config: base64 of a user's name and password. */
const isCredential = (header: string): boolean => /^x-registry-/i.test(header)

/** For JSON.stringify: `NAME=value` in an `Env` list becomes `NAME=[secret]`. */
function withoutSecrets(key: string, value: unknown): unknown {
  if (key !== 'Env' || !Array.isArray(value)) return value
  return value.map((entry) => String(entry).replace(/=.*$/s, `=${mask}`))
}

/** One word for a POSIX shell, whatever it holds but NUL. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

// Authorities and certificates for tests of mutual TLS, made by openssl, each valid for a day or expired since yesterday.

import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** For `test(name, { skip })`: why no certificates can be made, or false. */
export const skipWithoutOpenssl: string | false =
  spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl'

export interface Authority {
  /** The PEM file that others trust it by. */
  readonly certificate: string
  /** Makes DIR with ca.pem, cert.pem and key.pem, of this authority but for `trusts`; gives DIR. */
  issue(folder: string, wish: Wish): string
}

interface Wish {
  /** What the certificate is for: an engine at these addresses, or a client. */
  readonly addresses?: readonly string[]
  readonly isExpired?: boolean
  /** Whose ca.pem goes with it. */
  readonly trusts?: Authority
}

/** A new authority whose files are in `folder`, which is made. */
export function makeAuthority(folder: string): Authority {
  mkdirSync(folder)
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca-key.pem', '-subj', '/CN=authority', '-days', '1', '-out', 'ca.pem')
  const authority: Authority = {
    certificate: join(folder, 'ca.pem'),
    issue(target, { addresses, isExpired = false, trusts = authority }) {
      mkdirSync(target)
      const file = (name: string): string => join(target, name)
      const names = addresses?.map((address) => `IP:${address}`).join()
      const use =
        names === undefined ? 'extendedKeyUsage=clientAuth\n' : `extendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`
      writeFileSync(file('use'), use)
      openssl('req', ...newKey, '-keyout', file('key.pem'), '-subj', '/CN=issued', '-out', file('request'))
      const signed = [
        'x509',
        '-req',
        '-in',
        file('request'),
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca-key.pem',
        '-CAcreateserial',
      ]
      openssl(...signed, '-extfile', file('use'), '-days', isExpired ? '-1' : '1', '-out', file('cert.pem'))
      copyFileSync(trusts.certificate, file('ca.pem'))
      return target
    },
  }
  return authority
}

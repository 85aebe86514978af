// The ranges that classes are given parts of: addresses for their networks, user numbers for their sandboxes.

import { isIP } from 'node:net'
import { settings } from '../settings.ts'
import { ConfigError, type Get, integer } from './values.ts'

export interface SubnetConfig {
  /** IPv4 block that class networks are cut from, as an unsigned 32-bit base address and a prefix length. */
  readonly base: number
  readonly prefix: number
  /** Prefix length of one class network. */
  readonly size: number
}

/** Both ends are in it. */
export interface UidRange {
  readonly first: number
  readonly last: number
}

export function readSubnets(pool: string, get: Get): SubnetConfig {
  const [address = '', length = ''] = pool.split('/')
  if (isIP(address) !== 4 || !/^\d{1,2}$/.test(length) || Number(length) < 8 || Number(length) > 28) {
    throw new ConfigError(
      `CLASS_SUBNET_POOL must be an IPv4 block such as 10.201.0.0/16 (prefix 8 to 28); it is '${pool}'.`,
    )
  }
  const prefix = Number(length)
  const size = integer(
    'CLASS_SUBNET_SIZE',
    get('CLASS_SUBNET_SIZE')?.replace(/^\//, '') ??
      String(Math.max(Number(settings.CLASS_SUBNET_SIZE.default), prefix)),
    prefix,
    29,
  )
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  if (base % 2 ** (32 - prefix) !== 0) {
    throw new ConfigError(
      `CLASS_SUBNET_POOL ${pool} has bits set beyond its prefix; did you mean another address or prefix?`,
    )
  }
  return { base, prefix, size }
}

const firstOrdinaryUid = 1000
const lastUid = 2 ** 31 - 1

export function readUids(text: string, ownUid: number | undefined): UidRange {
  const [, from, to] = /^(\d{1,10})-(\d{1,10})$/.exec(text) ?? []
  const range = { first: Number(from), last: Number(to) }
  const isRange = range.first >= firstOrdinaryUid && range.first <= range.last && range.last <= lastUid
  if (!isRange) {
    throw new ConfigError(
      `SANDBOX_UIDS must be two user numbers from ${firstOrdinaryUid} on, the smaller one first, such as 20000-59999; it is '${text}'.`,
    )
  }
  if (ownUid !== undefined && ownUid >= range.first && ownUid <= range.last) {
    throw new ConfigError(
      `SANDBOX_UIDS ${text} has ${ownUid} in it, the user that this service runs as: run it as another user, or choose another range.`,
    )
  }
  return range
}

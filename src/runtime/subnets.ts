// Which subnets of the configured pool are free. Pure arithmetic on IPv4 blocks as unsigned 32-bit numbers.

import { isIP } from 'node:net'
import type { SubnetConfig } from '../config.ts'

interface Block {
  readonly first: number
  readonly last: number
}

/** The pool's subnets in order, those left out that overlap one of `taken` (CIDR texts; IPv6 and unreadable ones are passed over). */
export function* freeSubnets(pool: SubnetConfig, taken: Iterable<string>): Generator<string> {
  const takenBlocks = [...taken].map(parseBlock).filter((block) => block !== undefined)
  const step = 2 ** (32 - pool.size)
  const end = pool.base + 2 ** (32 - pool.prefix)
  for (let first = pool.base; first < end; first += step) {
    const last = first + step - 1
    if (!takenBlocks.some((block) => block.first <= last && block.last >= first)) {
      yield `${formatAddress(first)}/${pool.size}`
    }
  }
}

/** Sandboxes that fit one class network: the engine keeps network, broadcast and gateway addresses, Traefik takes one. */
export const sandboxesPerSubnet = (pool: SubnetConfig): number => 2 ** (32 - pool.size) - 4

function parseBlock(cidr: string): Block | undefined {
  const [address = '', length = ''] = cidr.split('/')
  if (isIP(address) !== 4 || !/^\d{1,2}$/.test(length)) return undefined
  const size = 2 ** (32 - Number(length))
  const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const first = value - (value % size)
  return { first, last: first + size - 1 }
}

const formatAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')

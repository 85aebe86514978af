// Which subnets of the configured pool are free, and whose each address of a class's subnet is. Pure arithmetic on IPv4 blocks as
// unsigned 32-bit numbers. A class's subnet in order: its own address, the gateway, Traefik, a seat each, and last a block for
// whoever has no address of their own, which ends with the broadcast address.

import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { SubnetConfig } from '../../config/ranges.ts'

interface Block {
  readonly first: number
  readonly last: number
}

/**
 * The pool's subnets in order, from `begin` once around, those left out that overlap one of `taken` (CIDR texts; IPv6
 * and unreadable ones are passed over).
 */
export function* freeSubnets(pool: SubnetConfig, taken: Iterable<string>, begin?: string): Generator<string> {
  const takenBlocks = [...taken].map(parseBlock).filter((block) => block !== undefined)
  const step = 2 ** (32 - pool.size)
  const count = 2 ** (pool.size - pool.prefix)
  const offset = begin === undefined ? 0 : (readBlock(begin).first - pool.base) / step
  for (let index = 0; index < count; index++) {
    const first = pool.base + ((offset + index) % count) * step
    const last = first + step - 1
    if (!takenBlocks.some((block) => block.first <= last && block.last >= first)) {
      yield `${formatAddress(first)}/${pool.size}`
    }
  }
}

/** One of the pool's, always the same for a session: a network of it that has to be made anew gets its addresses again. */
export function subnetOfSession({ base, prefix, size }: SubnetConfig, sessionId: string): string {
  const index = createHash('sha256').update(sessionId).digest().readUInt32BE() % 2 ** (size - prefix)
  return `${formatAddress(base + index * 2 ** (32 - size))}/${size}`
}

const proxyOffset = 2
const firstSeatOffset = 3

/** A sixteenth of the subnet; never below two addresses, the broadcast address being one. */
const sharedSize = (subnetSize: number): number => Math.max(subnetSize / 16, 2)

/** Students that a session has addresses for. */
export const sandboxesPerSubnet = (pool: SubnetConfig): number => seatsOf(2 ** (32 - pool.size))

const seatsOf = (subnetSize: number): number => subnetSize - firstSeatOffset - sharedSize(subnetSize)

/** The subnet of a class's network as the engine is asked for it. */
export function addressPlan(subnet: string): {
  readonly Subnet: string
  readonly IPRange: string
  readonly Gateway: string
} {
  const { first, last } = readBlock(subnet)
  const shared = sharedSize(last - first + 1)
  return {
    Subnet: subnet,
    IPRange: `${formatAddress(last - shared + 1)}/${32 - Math.log2(shared)}`,
    // Else the engine takes the first address of the range.
    Gateway: formatAddress(first + 1),
  }
}

export const proxyAddress = (subnet: string): string => formatAddress(readBlock(subnet).first + proxyOffset)

/** Undefined where the subnet has no such seat. */
export function seatAddress(subnet: string, seat: number): string | undefined {
  const { first, last } = readBlock(subnet)
  return seat < seatsOf(last - first + 1) ? formatAddress(first + firstSeatOffset + seat) : undefined
}

function readBlock(cidr: string): Block {
  const block = parseBlock(cidr)
  if (!block) throw new TypeError(`${cidr} is not an IPv4 block`)
  return block
}

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

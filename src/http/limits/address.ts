// Who a connection comes from, as far as limits go: whoever has one IPv6 address has the 2^64 beside it.

import { isIPv6 } from 'node:net'

/** An IPv4 address, also one that is written as IPv6; else the /64 of an IPv6 address. '' over a Unix socket. */
export function callerAddress(address: string | undefined = ''): string {
  const [plain = ''] = address.toLowerCase().split('%')
  const mapped = /^(?:::|(?:0{1,4}:){5})ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(plain)) return plain
  const [before = '', after] = plain.split('::')
  const groups = before.split(':').filter(Boolean)
  const behind = (after ?? '').split(':').filter(Boolean)
  // '::' stands for the groups that are left out.
  const zeros = after === undefined ? 0 : 8 - groups.length - behind.length
  const network = [...groups, ...Array.from({ length: zeros }, () => '0'), ...behind].slice(0, 4)
  return `${network.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}

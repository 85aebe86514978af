// Which addresses are one caller.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerAddress } from '../../../../src/http/limits/address.ts'

const cases: readonly (readonly [string | undefined, string])[] = [
  [undefined, ''],
  ['', ''],
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::1:0:0:0:1', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
]

test('an IPv4 address is one caller in any spelling, and so is the /64 of an IPv6 address', () => {
  for (const [address, caller] of cases) assert.equal(callerAddress(address), caller, address)
})

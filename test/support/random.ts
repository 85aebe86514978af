// Random numbers that a seed repeats, and damage made with them, for tests that try what nobody thought of.

export interface Random {
  /** A whole number from 0 up to, and without, `limit`; 0 for a limit of 0. */
  below(limit: number): number
  /** Throws for an empty list. */
  pick<Item>(items: readonly Item[]): Item
}

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  return {
    below,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}

/** The bytes up to somewhere; never all of them. */
export const cutSomewhere = (random: Random, bytes: Buffer): Buffer => bytes.subarray(0, random.below(bytes.length))

/** The bytes with one to three places flipped, overwritten, blanked, left out, doubled, or with others put in. */
export function damaged(random: Random, bytes: Buffer): Buffer {
  let result = bytes
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    const at = random.below(result.length)
    const length = 1 + random.below(Math.min(600, result.length - at))
    const [before, hit, after] = [
      result.subarray(0, at),
      result.subarray(at, at + length),
      result.subarray(at + length),
    ]
    const noise = Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256)))
    const [first = 0, ...rest] = hit
    result = Buffer.concat([
      before,
      ...random.pick([
        [Buffer.of(first ^ (1 << random.below(8)), ...rest)],
        [Buffer.of(random.below(256), ...rest)],
        [Buffer.alloc(hit.length)],
        [],
        [hit, hit],
        [noise, hit],
      ]),
      after,
    ])
  }
  return result
}

/** The bytes in up to eight pieces, as a connection may cut them. */
export function inPieces(random: Random, bytes: Buffer): Buffer[] {
  const ends = Array.from({ length: random.below(8) }, () => random.below(bytes.length + 1)).sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

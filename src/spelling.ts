// What our own words do with a name that somebody else wrote: which known one it was meant as, and what no eye can see in it.

/** Letters that may be wrong in a name of so many. */
const toleranceOf = ({ length }: string): number => (length < 3 ? 0 : length < 6 ? 1 : 2)

/** Undefined where none is near: a wrong guess would help less than none. Case, and what is not a letter or digit, do not count. */
export function nearest(name: string, known: Iterable<string>, tolerance = toleranceOf): string | undefined {
  const folded = fold(name)
  let found: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const each of known) {
    const distance = editDistance(folded, fold(each))
    if (distance >= least || distance > tolerance(each)) continue
    found = each
    least = distance
  }
  return found
}

const fold = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** Letters put in, left out, replaced, or exchanged with their neighbour. Never more than `far` is worth knowing. */
function editDistance(one: string, other: string): number {
  const far = 3
  if (Math.abs(one.length - other.length) >= far) return far
  let before: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const line = [row]
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1]
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      line.push(
        Math.min(
          (last[column] ?? far) + 1,
          (line[column - 1] ?? far) + 1,
          (last[column - 1] ?? far) + (same ? 0 : 1),
          swapped ? (before[column - 2] ?? far) + 1 : far,
        ),
      )
    }
    before = last
    last = line
  }
  return last[other.length] ?? far
}

/** What is not printed, or prints as nothing: controls, line and paragraph ends, marks of direction, blanks other than the plain one. */
const unseen = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu

/** `a<zero width space>b` becomes `a\u{200b}b`. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

// JSON as RFC 8259 has it, and no name twice in one object: JSON.parse drops the first of two in silence.
// The text is walked once by a scanner of our own, which knows the place of everything in it; the values are made by JSON.parse.

/** `path` is a JSON pointer, `line` counts from 1. JSON that is refused all the same is `isJson`. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
  readonly path: string
  readonly line: number
  readonly isJson: boolean

  constructor(message: string, path: string, line: number, isJson: boolean) {
    super(message)
    this.path = path
    this.line = line
    this.isJson = isJson
  }
}

/** Deep enough for every file of ours, and far from what a call stack bears. */
const deepest = 100

/** Rejects with JsonFault where the text is not JSON, or has a name twice (or `__proto__`), or nests deeper than 100. */
export function parseStrictJson(text: string): unknown {
  new Scanner(text, () => {}).scan()
  return JSON.parse(text)
}

/** The line where the value of `path`, or its name, begins; undefined where the text has no such place. */
export function lineOf(text: string, path: string): number | undefined {
  let found: number | undefined
  const scanner = new Scanner(text, (each, line) => {
    if (each === path) found ??= line()
  })
  scanner.scan()
  return found
}

/** One part of a JSON pointer. */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

class Scanner {
  readonly #text: string
  readonly #onPlace: (path: string, line: () => number) => void
  #at = 0

  constructor(text: string, onPlace: (path: string, line: () => number) => void) {
    this.#text = text
    this.#onPlace = onPlace
  }

  scan(): void {
    this.#blanks()
    this.#value('', 0)
    this.#blanks()
    if (this.#at < this.#text.length) this.#refuse('', 'there is more after its end')
  }

  #value(path: string, depth: number): void {
    if (depth > deepest) this.#refuseJson('', `it is nested more than ${deepest} deep`, this.#at)
    this.#onPlace(path, () => this.#line(this.#at))
    const first = this.#text[this.#at]
    if (first === '{') this.#object(path, depth)
    else if (first === '[') this.#array(path, depth)
    else if (first === '"') this.#string(path)
    else this.#word(path)
  }

  #object(path: string, depth: number): void {
    const seen = new Map<string, number>()
    this.#items(path, '}', () => {
      const begin = this.#at
      if (this.#text[begin] !== '"') this.#refuse(path, this.#expected('a name in double quotes'))
      const name = this.#string(path)
      const place = `${path}/${escaped(name)}`
      // An assignment of it would change what the object is, not what it holds.
      if (name === '__proto__') this.#refuseJson(place, `a member cannot be named '${name}'`, begin)
      const first = seen.get(name)
      if (first !== undefined) {
        const message = `the name '${name}' stands twice, first in line ${this.#line(first)}: keep one of them`
        this.#refuseJson(place, message, begin)
      }
      seen.set(name, begin)
      this.#onPlace(place, () => this.#line(begin))
      this.#blanks()
      if (this.#text[this.#at] !== ':') this.#refuse(place, this.#expected("':'"))
      this.#at++
      this.#blanks()
      this.#value(place, depth + 1)
    })
  }

  #array(path: string, depth: number): void {
    let index = 0
    this.#items(path, ']', () => this.#value(`${path}/${index++}`, depth + 1))
  }

  /** What stands between an opening bracket and `end`, with commas between. */
  #items(path: string, end: '}' | ']', item: () => void): void {
    this.#at++
    this.#blanks()
    if (this.#text[this.#at] === end) {
      this.#at++
      return
    }
    for (;;) {
      item()
      this.#blanks()
      const after = this.#text[this.#at]
      if (after !== ',' && after !== end) this.#refuse(path, this.#expected(`',' or '${end}'`))
      this.#at++
      if (after === end) return
      this.#blanks()
      const next = this.#text[this.#at]
      if (next === end) this.#refuse(path, `there is a ',' before '${end}'`)
    }
  }

  #string(path: string): string {
    const begin = this.#at++
    let plain = true
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 0x22) break
      if (Number.isNaN(code)) this.#refuse(path, "a '\"' is never closed", begin)
      if (code < 0x20) this.#refuse(path, `a text in quotes holds '${this.#text[this.#at]}': write it with a backslash`)
      if (code === 0x5c) plain = false
      if (code === 0x5c) this.#escape(path)
      else this.#at++
    }
    this.#at++
    return plain ? this.#text.slice(begin + 1, this.#at - 1) : String(JSON.parse(this.#text.slice(begin, this.#at)))
  }

  #escape(path: string): void {
    escapePattern.lastIndex = this.#at
    const [found] = escapePattern.exec(this.#text) ?? []
    if (found === undefined) {
      this.#refuse(
        path,
        `'${this.#text.slice(this.#at, this.#at + 2)}' means nothing in a text; a backslash is written '\\\\'`,
      )
    }
    this.#at += found.length
  }

  #word(path: string): void {
    wordPattern.lastIndex = this.#at
    const [found] = wordPattern.exec(this.#text) ?? []
    if (found === undefined) this.#refuse(path, this.#expected('a value'))
    this.#at += found.length
  }

  #blanks(): void {
    blankPattern.lastIndex = this.#at
    blankPattern.test(this.#text)
    this.#at = blankPattern.lastIndex
  }

  #expected(what: string): string {
    const found = this.#text.codePointAt(this.#at)
    return `${what} is expected, ${found === undefined ? 'and the file ends' : `not '${String.fromCodePoint(found)}'`}`
  }

  #line(offset: number): number {
    let line = 1
    for (let end = this.#text.indexOf('\n'); end >= 0 && end < offset; end = this.#text.indexOf('\n', end + 1)) line++
    return line
  }

  #refuse(path: string, message: string, offset = this.#at): never {
    throw new JsonFault(message, path, this.#line(offset), false)
  }

  /** The text is JSON so far, but not JSON that we take. */
  #refuseJson(path: string, message: string, offset: number): never {
    throw new JsonFault(message, path, this.#line(offset), true)
  }
}

/** Sticky: each matches where it is told to look, or not at all. */
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/y
const blankPattern = /[ \t\n\r]*/y
const wordPattern = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

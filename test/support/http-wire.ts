// HTTP/1.1 messages cut out of a connection's bytes, for servers and proxies of the tests that must see every byte.
// `reads` keeps where the other side's writes ended, which node:http would lose.

/** `upgraded` is the 101 after which a connection is no longer HTTP: its body is all that side says until it ends. */
export type Framing = 'none' | 'length' | 'chunked' | 'close' | 'upgraded'

export interface WireMessage {
  /** Such as `GET /_ping HTTP/1.1` or `HTTP/1.1 200 OK`. */
  readonly startLine: string
  /** In order, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly framing: Framing
  /** Without the marks of chunked framing. */
  readonly body: Buffer
  /** Bytes of the body in each read; the first read is the one that completed the head, so it may be 0. */
  readonly reads: readonly number[]
}

export function headerOf({ headers }: Pick<WireMessage, 'headers'>, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1]
}

/** Collects the bytes of one direction of a connection and hands over each message when it is complete. */
export class WireReader {
  #bytes: Buffer = Buffer.alloc(0)
  /** Ends of the reads, as offsets in `#bytes`. */
  #ends: number[] = []
  #upgradedBytes: number | undefined
  readonly #hasBody: (startLine: string) => boolean
  readonly #onMessage: (message: WireMessage) => void

  /** `hasBody` is asked once a message with its start line: an answer to HEAD has a length and no body. */
  constructor(onMessage: (message: WireMessage) => void, hasBody: (startLine: string) => boolean = () => true) {
    this.#onMessage = onMessage
    this.#hasBody = hasBody
  }

  /** How many bytes have come behind a 101; undefined while the connection is HTTP. */
  get upgradedBytes(): number | undefined {
    return this.#upgradedBytes
  }

  push(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    this.#ends.push(this.#bytes.length)
    while (this.#take(false));
  }

  /** The connection has ended: an answer without a length is complete now. Throws where a message is not. */
  end(): void {
    while (this.#take(true));
    if (this.#bytes.length > 0)
      throw new Error(`the connection ended inside a message, after ${this.#bytes.length} bytes`)
  }

  #take(ended: boolean): boolean {
    const headEnd = this.#bytes.indexOf('\r\n\r\n')
    if (headEnd === -1) return false
    const [startLine = '', ...fields] = this.#bytes.toString('latin1', 0, headEnd).split('\r\n')
    const headers = fields.map((field): [string, string] => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon), field.slice(colon + 1).trim()]
    })
    const framing = framingOf(startLine, headers, this.#hasBody)
    if (framing === 'upgraded') this.#upgradedBytes = this.#bytes.length - headEnd - 4
    const found = bodyParts(this.#bytes, headEnd + 4, framing, Number(headerOf({ headers }, 'content-length')), ended)
    if (found === undefined) return false
    const body = Buffer.concat(found.parts.map(({ start, end }) => this.#bytes.subarray(start, end)))
    const reads = this.#readsUpTo(headEnd + 4, found)
    this.#bytes = this.#bytes.subarray(found.end)
    this.#ends = this.#ends.map((end) => end - found.end).filter((end) => end > 0)
    this.#onMessage({ startLine, headers, framing, body, reads })
    return true
  }

  #readsUpTo(bodyStart: number, { parts, end }: Found): number[] {
    const ends = this.#ends.filter((each) => each >= bodyStart && each < end)
    const bodyBytesBefore = (offset: number): number =>
      parts.reduce((sum, part) => sum + Math.min(Math.max(offset - part.start, 0), part.end - part.start), 0)
    const marks = [...ends, end].map(bodyBytesBefore)
    const reads = marks.map((mark, index) => mark - (marks[index - 1] ?? 0))
    // Reads after the first that hold nothing but marks of chunked framing carry no body.
    return reads.filter((length, index) => index === 0 || length > 0)
  }
}

interface Found {
  readonly parts: readonly { readonly start: number; readonly end: number }[]
  /** Where the message ends. */
  readonly end: number
}

function framingOf(
  startLine: string,
  headers: WireMessage['headers'],
  hasBody: (startLine: string) => boolean,
): Framing {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(startLine)?.[1]
  if (!hasBody(startLine) || status === '204' || status === '304') return 'none'
  if (status === '101') return 'upgraded'
  if (headerOf({ headers }, 'transfer-encoding') === 'chunked') return 'chunked'
  if (headerOf({ headers }, 'content-length') !== undefined) return 'length'
  return status === undefined ? 'none' : 'close'
}

function bodyParts(bytes: Buffer, start: number, framing: Framing, length: number, ended: boolean): Found | undefined {
  if (framing === 'none') return { parts: [], end: start }
  if (framing === 'close' || framing === 'upgraded')
    return ended ? { parts: [{ start, end: bytes.length }], end: bytes.length } : undefined
  if (framing === 'length') {
    return bytes.length < start + length ? undefined : { parts: [{ start, end: start + length }], end: start + length }
  }
  const parts = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const part = { start: lineEnd + 2, end: lineEnd + 2 + size }
    if (bytes.length < part.end + 2) return undefined
    if (size === 0) return { parts, end: part.end + 2 }
    parts.push(part)
    at = part.end + 2
  }
}

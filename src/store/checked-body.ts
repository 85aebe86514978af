// The gate that every body passes on its way into a store: exactly the promised length and SHA-256, or an error before the body is complete.
// The last chunk is held back until both are proven, so no store ever gets the whole of a wrong body, not even one that checks nothing itself.
import { createHash } from 'node:crypto'
import { abortable } from './abortable.ts'
import { type Content, WrongBody } from './port.ts'

/** Throws WrongBody unless `bytes` are what `content` says. */
export function checkBytes(key: string, content: Content, bytes: Uint8Array): void {
  if (bytes.length !== content.size) throw wrongLength(key, content, `${bytes.length} bytes`)
  if (createHash('sha256').update(bytes).digest('hex') !== content.sha256) throw wrongDigest(key)
}

/**
 * Passes `body` on, one chunk late. Throws WrongBody when it turns out not to be what `content` says, the signal's reason when
 * aborted (also while the source gives nothing), and the source's own error as it is. Ending early ends the source.
 */
export async function* checkedBody(
  key: string,
  content: Content,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  let size = 0
  let held: Uint8Array | undefined
  for await (const chunk of abortableEach(body, signal)) {
    size += chunk.length
    if (size > content.size) throw wrongLength(key, content, 'more')
    hash.update(chunk)
    if (held !== undefined) yield held
    held = chunk
  }
  if (size < content.size) throw wrongLength(key, content, `${size} bytes`)
  if (hash.digest('hex') !== content.sha256) throw wrongDigest(key)
  if (held !== undefined) yield held
}

async function* abortableEach(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await abortable(iterator.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // After an abort the source may hang in next(), and a generator answers return() only after that: then it is not awaited.
    const ended = iterator.return?.()
    if (signal?.aborted === true) ended?.catch(() => undefined)
    else await ended
  }
}

function wrongLength(key: string, content: Content, got: string): WrongBody {
  return new WrongBody(
    'mismatch',
    `${key}: ${content.size} bytes were promised, but the source gave ${got}; nothing was stored`,
  )
}

function wrongDigest(key: string): WrongBody {
  return new WrongBody(
    'mismatch',
    `${key}: the source's bytes are not those that the SHA-256 was promised for; nothing was stored`,
  )
}

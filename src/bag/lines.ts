/**
 * The lines of UTF-8 text as it comes. A line ends at LF and nowhere else: names hold CR, U+2028 and all that other readers of
 * lines take for an end. What no LF follows is cut off, and is no line.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

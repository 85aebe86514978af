// Byte strings in the pieces a connection may deliver them in: whole, byte by byte, and cut once at every offset.

export async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Buffer, void, undefined> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

export async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** All ways of delivery that a decoder must not notice. */
export function* cuts(bytes: Uint8Array): Generator<{ readonly how: string; readonly chunks: readonly Uint8Array[] }> {
  yield { how: 'whole', chunks: [bytes] }
  yield { how: 'byte by byte', chunks: Array.from(bytes, (byte) => Uint8Array.of(byte)) }
  yield { how: 'with empty chunks', chunks: [new Uint8Array(), bytes, new Uint8Array()] }
  for (let at = 1; at < bytes.length; at += 1) {
    yield { how: `cut at ${at}`, chunks: [bytes.subarray(0, at), bytes.subarray(at)] }
  }
}

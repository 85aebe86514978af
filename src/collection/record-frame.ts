// How a record of the inventory lies in its spool: path and link target as raw bytes, since as JSON they could be six times as
// long, and in front what kind of record it is, so that a reading for one kind passes over the others without taking them apart.
//
//   frame = length of all that follows, traits, path length, target length (32 bits each), path, target, JSON of the rest

import type { InventoryRecord } from '../bag/contents.ts'

const headBytes = 16

export function encodeRecord({ path, target, ...rest }: InventoryRecord, traits: number): Buffer {
  const [pathBytes, targetBytes] = [Buffer.from(path, 'latin1'), Buffer.from(target ?? '', 'latin1')]
  const body = Buffer.concat([pathBytes, targetBytes, Buffer.from(JSON.stringify(rest))])
  const head = Buffer.alloc(headBytes)
  head.writeUInt32LE(headBytes - 4 + body.length, 0)
  head.writeUInt32LE(traits, 4)
  head.writeUInt32LE(pathBytes.length, 8)
  head.writeUInt32LE(targetBytes.length, 12)
  return Buffer.concat([head, body])
}

export interface Frame {
  readonly traits: number
  /** Where the next one begins. */
  readonly end: number
  record(): InventoryRecord
}

/** Undefined where the buffer ends before the frame does. */
export function readFrame(bytes: Buffer, at: number): Frame | undefined {
  if (at + headBytes > bytes.length) return undefined
  const end = at + 4 + bytes.readUInt32LE(at)
  if (end > bytes.length) return undefined
  return { traits: bytes.readUInt32LE(at + 4), end, record: () => decode(bytes, at, end) }
}

function decode(bytes: Buffer, at: number, end: number): InventoryRecord {
  const pathAt = at + headBytes
  const targetAt = pathAt + bytes.readUInt32LE(at + 8)
  const restAt = targetAt + bytes.readUInt32LE(at + 12)
  const path = bytes.toString('latin1', pathAt, targetAt)
  const target = targetAt < restAt ? { target: bytes.toString('latin1', targetAt, restAt) } : {}
  // The spool has no name and only an Inventory writes it: what is read is what was written.
  const rest: Omit<InventoryRecord, 'path' | 'target'> = JSON.parse(bytes.toString('utf8', restAt, end))
  return { ...rest, path, ...target }
}

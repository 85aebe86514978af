// Which node each newcomer of a class goes to: the whole class on one where it fits, so that it fails and is taken down as one.
// It asks nobody, and answers the same for the same.

import { type Demand, type Lack, type Placement, sum } from '../room.ts'

/** One node, and what it has. */
export interface NodeRoom {
  readonly id: string
  /** It takes something new: it can be asked, and nobody has drained or paused it. */
  readonly isOpen: boolean
  /** All of it, in MiB. */
  readonly memoryMb: number
  /** By their names, such as `runc`. */
  readonly runtimes: readonly string[]
  /** By all that they are called there: ids, tags, digests. */
  readonly images: ReadonlySet<string>
}

/** A node with what of its memory nobody may use yet, in MiB. */
interface Free {
  readonly id: string
  freeMb: number
}

export function place(nodes: readonly NodeRoom[], hasFreeSubnet: boolean, demand: Demand): Placement {
  const open = nodes.filter(({ isOpen }) => isOpen)
  const usedMb = sum(open.map(({ id }) => demand.usedMb.get(id) ?? 0))
  const lacks: Lack[] = []
  const placed = placeNewcomers(nodes, demand, lacks)
  if (demand.networks > 0 && !hasFreeSubnet) lacks.push('network')
  return { lacks, nodes: lacks.length > 0 ? new Map() : placed, usedMb }
}

/** Says in `lacks` what there is not enough of. */
function placeNewcomers(nodes: readonly NodeRoom[], demand: Demand, lacks: Lack[]): Map<string, string> {
  const { newcomers, memoryMb, ofClass } = demand
  const free = new Map(nodes.map(({ id, memoryMb: all }) => [id, { id, freeMb: all - (demand.usedMb.get(id) ?? 0) }]))
  // Who is placed on a node that cannot be asked fails there, and nobody else with them.
  const placed = newcomers.flatMap(({ node }) => free.get(node ?? '') ?? [])
  for (const each of placed) each.freeMb -= memoryMb
  if (placed.some(({ freeMb }) => freeMb < 0)) lacks.push('memory')
  const unplaced = newcomers.filter(({ node }) => node === undefined).map(({ studentId }) => studentId)
  if (unplaced.length === 0) return new Map()
  const places = fitting(nodes, demand, lacks).flatMap(({ id }) => free.get(id) ?? [])
  const whole = places.filter(({ freeMb }) => freeMb >= unplaced.length * memoryMb)
  const place = roomiest(whole.filter(({ id }) => ofClass.has(id))) ?? roomiest(whole)
  if (place) return new Map(unplaced.map((studentId) => [studentId, place.id]))
  const apart = spread(places, unplaced, memoryMb)
  if (!apart && places.length > 0 && !lacks.includes('memory')) lacks.push('memory')
  return apart ?? new Map()
}

/** Those that the lab can run on; where none has what it needs, all that would do otherwise. */
function fitting(nodes: readonly NodeRoom[], { runtime, image }: Demand, lacks: Lack[]): readonly NodeRoom[] {
  const open = nodes.filter(({ isOpen }) => isOpen)
  if (open.length === 0) lacks.push('node')
  const running = open.filter(({ runtimes }) => runtime === undefined || runtimes.includes(runtime))
  if (running.length === 0 && open.length > 0) lacks.push('runtime')
  if (running.length === 0) return open
  const having = running.filter(({ images }) => image && (images.has(image.id) || images.has(image.digest ?? image.id)))
  if (having.length === 0) lacks.push('image')
  return having.length > 0 ? having : running
}

/** Each where there is the most room left; undefined where it is not enough. */
function spread(
  places: readonly Free[],
  students: readonly string[],
  memoryMb: number,
): Map<string, string> | undefined {
  const spreading = places.map((each) => ({ ...each }))
  const nodes = new Map<string, string>()
  for (const studentId of students) {
    const place = roomiest(spreading)
    if (!place || place.freeMb < memoryMb) return undefined
    place.freeMb -= memoryMb
    nodes.set(studentId, place.id)
  }
  return nodes
}

/** Of two alike the one whose id comes first. */
function roomiest(places: readonly Free[]): Free | undefined {
  return places.reduce<Free | undefined>((best, each) => {
    if (!best || each.freeMb > best.freeMb) return each
    return each.freeMb === best.freeMb && each.id < best.id ? each : best
  }, undefined)
}

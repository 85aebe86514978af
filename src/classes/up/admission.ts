// Whether an up may begin: everything that can be known before the engine is changed, gathered once, and judged by a list of
// checks. up-class stops at the first refusal, plan-class tells them all.

import type { FrozenLab } from '../../catalogue/frozen-lab.ts'
import type { Lab, Quota } from '../../catalogue/schema.ts'
import type { UidRange } from '../../config/ranges.ts'
import { foldId, sameId } from '../../names.ts'
import { Problem } from '../../problems.ts'
import type { HeldSession } from '../../runtime/held.ts'
import type { ImageFacts } from '../../runtime/port.ts'
import { noSubnetAdvice, type Placement, type Room } from '../../runtime/room.ts'
import { findSeat } from '../../runtime/seats.ts'
import { type KnownSession, type OpenSession, readRecords } from '../../sessions/held.ts'
import { otherStoreOf } from '../../sessions/store-identity.ts'
import type { ClassContext } from '../context.ts'
import { type EarlierSessions, findEarlier } from './earlier-sessions.ts'
import type { UpOrder } from './order.ts'
import { chooseSession, imageMissing } from './session.ts'
import { freeUids, missingUids, takenUids, uidsExhausted } from './uids.ts'
import { addUp, exactCpus, type SessionShare, shareOut, type Usage, usedByNode } from './usage.ts'

/** What the engine and the store say. */
export interface Seen {
  readonly order: UpOrder
  readonly known: readonly KnownSession[]
  readonly ofClass: readonly KnownSession[]
  /** The session that the up would join. */
  readonly running: OpenSession | undefined
  /** A session that has to be taken down first. */
  readonly unfinished: HeldSession | undefined
  /** Of a session of the class that belongs to another store. */
  readonly otherStore: Problem | undefined
  readonly earlier: EarlierSessions
  readonly image: ImageFacts | undefined
  readonly room: Room
  readonly maxStudents: number
  readonly sandboxUids: UidRange
}

/** What that means for the up. */
export interface Findings extends Seen {
  /** The running session's lab, or the one that a new session would freeze. */
  readonly lab: Pick<Lab, 'image' | 'runtime' | 'user' | 'cpus' | 'memoryMb'> & { readonly name: string }
  readonly subject: string
  readonly limits: Quota
  /** Of the subject. */
  readonly used: Usage
  /** What the up adds to `used`. */
  readonly needed: Usage
  readonly networks: 0 | 1
  /** What the engine has not enough of for this, and where it goes. */
  readonly placement: Placement
  /** For those who come up for the first time and need one; fewer than `missingUids` where the range is used up. */
  readonly uids: readonly number[]
  readonly missingUids: number
}

/** Asks the engine and the store, and changes neither. RuntimeError and StoreError where they do not answer. */
export async function examine(context: ClassContext, order: UpOrder): Promise<Seen> {
  const { runtime, store, maxStudents, sandboxUids } = context
  const { classId } = order.ofClass
  const known = await readRecords(store, await runtime.survey(), classId)
  const ofClass = known.filter(({ held }) => sameId(held.classId, classId))
  const earlier = await findEarlier(
    context,
    classId,
    ofClass.map(({ held }) => held),
  )
  const { running, unfinished } = chooseSession(ofClass, earlier.vanished)
  const otherStore = await findOtherStore(store, ofClass)
  const [image, room] = await Promise.all([
    findImage(runtime, running?.record.frozenLab, order.lab.image),
    runtime.room(),
  ])
  return { order, known, ofClass, running, unfinished, otherStore, earlier, image, room, maxStudents, sandboxUids }
}

/** That which the running session froze, or else that which the lab names now. */
async function findImage(
  runtime: ClassContext['runtime'],
  frozen: FrozenLab | undefined,
  named: string,
): Promise<ImageFacts | undefined> {
  const image = await runtime.image(frozen?.imageId ?? named)
  return image ?? (frozen?.imageDigest === undefined ? undefined : await runtime.image(frozen.imageDigest))
}

async function findOtherStore(store: ClassContext['store'], ofClass: readonly KnownSession[]) {
  for (const { held, record } of ofClass) {
    const problem = record ? undefined : await otherStoreOf(store, held)
    if (problem) return problem
  }
  return undefined
}

export function weigh(seen: Seen, reserved: readonly SessionShare[]): Findings {
  const { order, known, ofClass, running } = seen
  const lab = running?.record.frozenLab ?? { ...order.lab, name: order.labName }
  const subject = running?.held.subject ?? order.ofClass.subject
  const shares = shareOut(known, reserved, order.catalogue)
  const seats = running ? running.record.seats : []
  const asked = { range: seen.sandboxUids, lab, seats, students: order.students }
  const fresh = freshStudents(order, running, shares, reserved)
  // A network that an ended session of the class left makes way by itself.
  const networks = ofClass.some(({ held }) => held.network) ? 0 : 1
  const placement = seen.room.place({
    newcomers: fresh.map((studentId) => ({ studentId, node: findSeat(seats, studentId)?.node })),
    memoryMb: lab.memoryMb,
    usedMb: usedByNode(shares),
    ofClass: new Set(seats?.flatMap(({ node }) => node ?? [])),
    networks,
    runtime: lab.runtime,
    image: seen.image,
  })
  return {
    ...seen,
    lab,
    subject,
    limits: order.catalogue.quotaOf(subject),
    used: addUp(shares.filter((share) => sameId(share.subject, subject))),
    needed: needOf(order, lab, fresh.length, shares),
    networks,
    placement,
    uids: freeUids(asked, takenUids(known, reserved, order.catalogue.labs.values())),
    missingUids: missingUids(asked),
  }
}

/** Those who have no sandbox in the running session, and are not about to get one. */
function freshStudents(
  { students, ofClass: { classId } }: UpOrder,
  running: Findings['running'],
  shares: readonly SessionShare[],
  reserved: readonly SessionShare[],
): string[] {
  const ofClass = shares.filter((share) => sameId(share.classId, classId))
  const joined = [running?.held.sessionId, ...reserved.map(({ sessionId }) => sessionId)]
  const counted = ofClass.filter(({ sessionId }) => joined.includes(sessionId)).flatMap((share) => share.students)
  return students.filter((studentId) => !counted.includes(foldId(studentId)))
}

function needOf(
  { ofClass: { classId } }: UpOrder,
  { cpus, memoryMb }: Findings['lab'],
  fresh: number,
  shares: readonly SessionShare[],
): Usage {
  const isUp = shares.some((share) => sameId(share.classId, classId))
  return {
    classes: fresh > 0 && !isUp ? 1 : 0,
    students: fresh,
    cpus: exactCpus(fresh * cpus),
    memoryMb: fresh * memoryMb,
  }
}

/** Why the up must not begin, the first thing to put right first; empty: it may. */
export function refusals(findings: Findings): Problem[] {
  return checks.flatMap((check) => check(findings) ?? [])
}

const checks: readonly ((findings: Findings) => Problem | undefined)[] = [
  ({ otherStore }) => otherStore,
  refuseUnfinished,
  refuseOtherLab,
  refuseMissingImage,
  refuseUnfitImage,
  refuseMissingRuntime,
  refuseTooMany,
  refuseOverQuota,
  refuseFullHost,
  refuseNoSubnet,
  refuseNoUid,
]

function refuseUnfinished({ unfinished }: Findings): Problem | undefined {
  if (!unfinished) return undefined
  return new Problem(
    'down-unfinished',
    `Session ${unfinished.sessionId} of class '${unfinished.classId}' is not finished: POST /room/down-class first, with allowPartial if a sandbox cannot be collected.`,
  )
}

function refuseOtherLab({ order, running }: Findings): Problem | undefined {
  if (!running || !order.askedLab || order.labName === running.held.lab) return undefined
  return new Problem(
    'lab-differs',
    `Class '${running.held.classId}' is up with lab '${running.held.lab}'; a session keeps its lab. Take the class down first, or leave 'lab' out.`,
  )
}

function refuseMissingImage({ image, lab, needed, placement: { lacks } }: Findings): Problem | undefined {
  if ((image && !lacks.includes('image')) || needed.students === 0) return undefined
  return imageMissing(lab.name, lab.image)
}

/** A volume that the image asks for would hold work that is not collected, and stay on the engine for ever. */
function refuseUnfitImage({ image, lab, needed }: Findings): Problem | undefined {
  if (!image || image.volumes.length === 0 || needed.students === 0) return undefined
  return new Problem(
    'lab-image-unfit',
    `The image '${lab.image}' of lab '${lab.name}' declares volumes at ${image.volumes.join(', ')}: what is written there would not be collected. Ask the operator to build the image without VOLUME.`,
  )
}

function refuseMissingRuntime({ placement: { lacks }, lab }: Findings): Problem | undefined {
  if (!lacks.includes('runtime')) return undefined
  return new Problem(
    'lab-runtime-missing',
    `The engine has no runtime '${lab.runtime}', which lab '${lab.name}' asks for. Ask the operator to install it there, or to take 'runtime' out of the lab.`,
  )
}

function refuseTooMany({ order, running, maxStudents }: Findings): Problem | undefined {
  // A seat is nobody else's for the whole session, also where its student has none of the sandboxes any more.
  const seated = running?.record.seats?.map(({ studentId }) => studentId) ?? []
  const students = new Set([...(running?.record.students ?? []), ...seated, ...order.students].map(foldId)).size
  if (students <= maxStudents) return undefined
  return new Problem(
    'class-too-large',
    `${students} students do not fit the class's subnet, which holds ${maxStudents}. Ask the operator for a larger CLASS_SUBNET_SIZE.`,
  )
}

const counted = [
  ['classes', 'classes'],
  ['students', 'students'],
  ['cpus', 'CPUs'],
  ['memoryMb', 'MiB of memory'],
] as const satisfies readonly (readonly [keyof Usage, string])[]

/** An up that needs nothing new is never over a quota, also where the operator has made that smaller meanwhile. */
function refuseOverQuota({ subject, limits, used, needed }: Findings): Problem | undefined {
  const over = counted.flatMap(([member, words]) => {
    const limit = limits[member]
    if (limit === undefined || needed[member] === 0 || exactCpus(used[member] + needed[member]) <= limit) return []
    return [`${words}: ${limit} allowed, ${used[member]} in use, ${needed[member]} needed for this`]
  })
  if (over.length === 0) return undefined
  return new Problem(
    'quota-exceeded',
    `The quota of subject '${subject}' does not allow it. ${over.join('; ')}. Take a class of this subject down, or ask the operator for a larger quota.`,
    { extensions: { subject, limits, used, needed } },
  )
}

function refuseFullHost({ placement: { lacks, usedMb }, room: { memoryMb }, needed }: Findings): Problem | undefined {
  const extensions = { host: { memoryMb, usedMb }, needed }
  if (lacks.includes('node')) {
    return new Problem(
      'host-full',
      'No node takes a sandbox now: each is drained, paused or down, or cannot be asked. Ask the operator to look at the nodes.',
      { extensions },
    )
  }
  if (!lacks.includes('memory')) return undefined
  return new Problem(
    'host-full',
    `The host has ${memoryMb} MiB of memory; sandboxes that are there may use ${usedMb} of it, and this needs ${needed.memoryMb}. Take a class down, or ask the operator for a larger host.`,
    { extensions },
  )
}

function refuseNoSubnet({ placement: { lacks } }: Findings): Problem | undefined {
  if (!lacks.includes('network')) return undefined
  return new Problem('subnets-exhausted', noSubnetAdvice)
}

function refuseNoUid({ uids, missingUids, sandboxUids }: Findings): Problem | undefined {
  return uids.length < missingUids ? uidsExhausted(sandboxUids, missingUids) : undefined
}

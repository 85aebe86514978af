// Past and present sessions and their bags, from the store: what it holds stays readable when the engine is down.

import { Readable } from 'node:stream'
import type { Static } from '@sinclair/typebox'
import { listBags } from '../../bag/find.ts'
import { bagDeclarationKey, submissionKey } from '../../bag/tag-files.ts'
import { asProblem } from '../../classes/context.ts'
import { bagPrefix, sessionPrefix } from '../../names.ts'
import { Problem } from '../../problems.ts'
import { type SpellClass, spelledAmong } from '../../sessions/class-id.ts'
import { findSession, listSessions, spellings } from '../../sessions/find.ts'
import { type Store, StoreError } from '../../store/port.ts'
import type { App } from '../app-type.ts'
import { BagFileParams, BagParams, ClassParams, SessionParams } from '../schemas.ts'
import { fileHeaders, sendFile } from '../send-file.ts'

export function registerSessions(app: App, store: Store, spellClass: SpellClass): void {
  app.get('/room/classes/:classId/sessions', { schema: { params: ClassParams } }, async ({ params }) =>
    fromStore(async () => {
      const classId = await spellClass(params.classId)
      return { classId, sessions: await listSessions(store, classId) }
    }),
  )

  app.get('/room/classes/:classId/sessions/:sessionId', { schema: { params: SessionParams } }, async ({ params }) =>
    fromStore(async () => {
      const classId = await spellClass(params.classId)
      const record = await findSession(store, classId, params.sessionId)
      if (!record) throw new Problem('unknown-session', `Class '${classId}' has no session '${params.sessionId}'.`)
      // The frozen lab is the operator's: its environment may hold what is not for callers.
      const { frozenLab: _, ...shown } = record
      return { ...shown, bags: await listBags(store, record.classId, params.sessionId) }
    }),
  )

  const bag = '/room/classes/:classId/sessions/:sessionId/students/:studentId/:collectionId'

  app.get(bag, { schema: { params: BagParams } }, async ({ params }, reply) =>
    fromStore(async () => {
      const prefix = await committedPrefix(params)
      const bytes = await store.read(prefix + submissionKey)
      return reply.type('application/json').headers(fileHeaders).send(Readable.from(bytes))
    }),
  )

  app.get(`${bag}/files/*`, { schema: { params: BagFileParams } }, async (request, reply) =>
    fromStore(async () => {
      const { params } = request
      const key = (await committedPrefix(params)) + params['*']
      const stored = await statOrRefused(key)
      if (stored === undefined) throw unknownFile()
      // A URL of the store is signed for GET alone.
      const isHead = request.method === 'HEAD'
      const url = isHead ? undefined : await store.temporaryUrl(key, key.slice(key.lastIndexOf('/') + 1))
      if (url === undefined) return await sendFile(request, reply, store, stored)
      return reply.headers(fileHeaders).redirect(url, 302)
    }),
  )

  /** No bagit.txt, no bag: what is not committed is not shown. */
  async function committedPrefix({ sessionId, collectionId, ...asked }: Static<typeof BagParams>): Promise<string> {
    const classId = await spellClass(asked.classId)
    for (const spelled of await spellings(store, classId)) {
      const students = await store.folders(sessionPrefix(spelled, sessionId))
      const studentId = spelledAmong(students, asked.studentId) ?? asked.studentId
      const prefix = bagPrefix(spelled, sessionId, studentId, collectionId)
      if (await store.stat(prefix + bagDeclarationKey)) return prefix
    }
    throw new Problem(
      'unknown-collection',
      `There is no committed bag '${collectionId}' of student '${asked.studentId}' in this session.`,
    )
  }

  /** What cannot be a key, such as `../x`, is no file of the bag. */
  async function statOrRefused(key: string) {
    return await store.stat(key).catch((error: unknown) => {
      if (error instanceof StoreError && error.code === 'refused') return undefined
      throw error
    })
  }
}

const unknownFile = () =>
  new Problem('unknown-file', "The bag has no file with this key. meta/submission.json lists each file's key.")

async function fromStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StoreError && error.code === 'not-found'
      ? unknownFile()
      : asProblem(error, 'engine-unavailable')
  }
}

import { Readable } from 'node:stream'
import { Submission } from '../../bag/submission.ts'
import { submissionKey } from '../../bag/tag-files.ts'
import { defineCall, json } from '../define-call.ts'
import { committedPrefix, fromStore } from '../from-store.ts'
import { BagParams, bagUrl } from '../schemas.ts'
import { fileHeaders } from '../send-file.ts'

export const getBag = defineCall({
  name: 'get-bag',
  method: 'GET',
  url: bagUrl,
  access: 'class',
  summary: "A bag's submission record",
  description: 'Only of a bag that is committed.',
  params: BagParams,
  answers: {
    200: {
      ...json('meta/submission.json, as it is in the bag.', Submission),
      headers: { 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-store' },
    },
  },
  problems: ['unknown-class', 'unknown-collection', 'unknown-file', 'engine-unavailable', 'store-unavailable'],
  run: (context, { params }, reply) =>
    fromStore(async () => {
      const prefix = await committedPrefix(context, params)
      const bytes = await context.classes.store.read(prefix + submissionKey)
      return reply.type('application/json').headers(fileHeaders).send(Readable.from(bytes))
    }),
})

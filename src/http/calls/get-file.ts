import { StoreError } from '../../store/port.ts'
import { defineCall } from '../define-call.ts'
import { committedPrefix, fromStore, unknownFile } from '../from-store.ts'
import { BagFileParams, bagUrl } from '../schemas.ts'
import { fileHeaders, sendFile } from '../send-file.ts'

const described = {
  'x-content-type-options': 'nosniff',
  'content-disposition': 'attachment',
  'cache-control': 'private, no-store',
}

export const getFile = defineCall({
  name: 'get-file',
  method: 'GET',
  url: `${bagUrl}/files/*`,
  access: 'class',
  summary: 'One file of a bag',
  description:
    'Any object of the bag by its key, which submission.json lists. `Range` with one range gives a part. HEAD tells the length, of any store.',
  params: BagFileParams,
  answers: {
    200: {
      description: 'The bytes, where the store is a directory.',
      type: 'application/octet-stream',
      headers: { ...described, 'accept-ranges': 'bytes', 'content-length': 'Of the file.' },
    },
    206: {
      description: 'The bytes of the range, where the store is a directory.',
      type: 'application/octet-stream',
      headers: { ...described, 'content-range': 'Which bytes of how many.' },
    },
    302: {
      description:
        'Where the store is S3: a URL that gives the bytes for a short time, without a token, and knows `Range`.',
      headers: { location: 'The URL.', 'cache-control': 'private, no-store' },
    },
  },
  problems: [
    'unknown-class',
    'unknown-collection',
    'unknown-file',
    'range-not-satisfiable',
    'engine-unavailable',
    'store-unavailable',
  ],
  run: (context, request, reply) =>
    fromStore(async () => {
      const { store } = context.classes
      const { params } = request
      const key = (await committedPrefix(context, params)) + params['*']
      const stored = await store.stat(key).catch((error: unknown) => {
        // What cannot be a key, such as `../x`, is no file of the bag.
        if (error instanceof StoreError && error.code === 'refused') return undefined
        throw error
      })
      if (stored === undefined) throw unknownFile()
      // A URL of the store is signed for GET alone.
      const isHead = request.method === 'HEAD'
      const url = isHead ? undefined : await store.temporaryUrl(key, key.slice(key.lastIndexOf('/') + 1))
      if (url === undefined) return await sendFile(request, reply, store, stored)
      return reply.headers(fileHeaders).redirect(url, 302)
    }),
})

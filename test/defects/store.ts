// Defects in the stores: what is believed without proof, and which failures are taken for success.

import type { Defect } from './defect.ts'

const s3Tests = ['test/src/store/s3/store.test.ts']
const directoryTests = ['test/src/store/directory/store.test.ts']

export const storeDefects: readonly Defect[] = [
  {
    name: 'the ETag that the store answers is not compared with what was sent',
    file: 'src/store/s3/store.ts',
    edits: [{ find: 'if (!isEtagOf(answer.etag, content.md5)) await', replace: 'if (false) await' }],
    tests: s3Tests,
  },
  {
    name: 'an object is removed because its ETag is no MD5',
    file: 'src/store/s3/store.ts',
    edits: [{ find: "if (hash.digest('hex') !== content.md5) throw", replace: 'throw' }],
    tests: s3Tests,
  },
  {
    name: 'the ETag of a part is not compared with what was sent',
    file: 'src/store/s3/parts.ts',
    edits: [{ find: "if (!target.isEtagOf(etag, hash.digest('hex'))) {", replace: 'if (false) {' }],
    tests: s3Tests,
  },
  {
    name: 'an object is sent without its MD5',
    file: 'src/store/s3/store.ts',
    edits: [{ find: "'content-md5': Buffer.from(content.md5, 'hex').toString('base64'),", replace: '' }],
    tests: s3Tests,
  },
  {
    name: 'an object that must be new is sent without If-None-Match',
    file: 'src/store/s3/store.ts',
    edits: [{ find: "ifNoneMatch ? { 'if-none-match': '*' } : {}", replace: '{}' }],
    tests: s3Tests,
  },
  {
    name: 'a store that is full or refuses is taken for one that took the object',
    file: 'src/store/s3/store.ts',
    edits: [{ find: 'if (answer.status !== 200) throw', replace: 'if (false) throw' }],
    tests: s3Tests,
  },
  {
    name: 'a copy in the store is not looked at',
    file: 'src/store/s3/store.ts',
    edits: [{ find: 'await prove(to, content, signal)', replace: '' }],
    tests: s3Tests,
  },
  {
    name: 'a list stops after its first page',
    file: 'src/store/s3/list-page.ts',
    edits: [{ find: 'token: nextToken(root, asked.token)', replace: 'token: undefined' }],
    tests: s3Tests,
  },
  {
    name: 'a list is decoded by what was asked for, not by what the answer says of itself',
    file: 'src/store/s3/list-page.ts',
    edits: [{ find: "decoderOf(childText(root, 'EncodingType') ?? '')", replace: "decoderOf('url')" }],
    tests: s3Tests,
  },
  {
    name: 'a list that is cut short is believed',
    file: 'src/store/s3/list-page.ts',
    edits: [{ find: "if (token === '') throw", replace: "if (token === '') return undefined\n  if (false) throw" }],
    tests: s3Tests,
  },
  {
    name: 'an upload whose source fails is ended as if the source were at its end',
    file: 'src/store/s3/transfers.ts',
    edits: [{ find: '        noteFault(error)\n        throw error', replace: '        return { done: true }' }],
    tests: s3Tests,
  },
  {
    name: 'a download that breaks off is a short object',
    file: 'src/store/s3/transfers.ts',
    edits: [
      {
        find: 'yield* source\n        } catch (error) {\n          throw',
        replace: 'yield* source\n        } catch (error) {\n          void',
      },
    ],
    tests: s3Tests,
  },
  {
    name: 'a body whose bytes are other than promised is stored',
    file: 'src/store/checked-body.ts',
    edits: [{ find: "if (hash.digest('hex') !== content.md5) throw", replace: 'if (false) throw' }],
    tests: directoryTests,
  },
  {
    name: 'in a folder, what must be new replaces what is there',
    file: 'src/store/directory/store.ts',
    edits: [
      { find: 'publish(temporary, path, options.ifAbsent === true)', replace: 'publish(temporary, path, false)' },
    ],
    tests: directoryTests,
  },
]

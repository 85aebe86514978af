// Defects in the stores: what is believed without proof, and which failures are taken for success.

import type { Defect } from './defect.ts'

const s3Tests = ['test/src/store/s3/store.test.ts']
const checkTests = ['test/src/store/s3/check.test.ts']
const connectionTests = ['test/src/store/s3/connection.test.ts']
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
    name: 'the check of a store does not compare what was written with what is read',
    file: 'src/store/s3/check.ts',
    edits: [{ find: 'found === undefined || !found.equals(body)', replace: 'false' }],
    tests: checkTests,
  },
  {
    name: 'the check of a store lets several writers of one object win',
    file: 'src/store/s3/check-promises.ts',
    edits: [{ find: 'another !== undefined || ', replace: '' }],
    tests: checkTests,
  },
  {
    name: 'the check of a store does not look for an object that arrived damaged',
    file: 'src/store/s3/check-promises.ts',
    edits: [{ find: 'if (!(await isAbsent(store, key)))', replace: 'if (false)' }],
    tests: checkTests,
  },
  {
    name: 'the check of a store does not compare a list with what was stored',
    file: 'src/store/s3/check-promises.ts',
    edits: [{ find: 'if (differing !== undefined)', replace: 'if (false)' }],
    tests: checkTests,
  },
  {
    name: 'a bucket that keeps versions is taken for one that keeps none',
    file: 'src/store/s3/check.ts',
    edits: [{ find: "if (status !== '') throw", replace: 'if (false) throw' }],
    tests: checkTests,
  },
  {
    name: 'a store that failed its check is checked briefly from then on',
    file: 'src/store/s3/check.ts',
    edits: [{ find: 'isProven = false\n    const learned', replace: 'isProven = true\n    const learned' }],
    tests: checkTests,
  },
  {
    name: 'a download URL is signed by the clock of the service, not of the store',
    file: 'src/store/s3/bucket.ts',
    edits: [{ find: ', clock.now())', replace: ')' }],
    tests: checkTests,
  },
  {
    name: 'keys that a server refuses by hanging up are called a server that does not answer',
    file: 'src/store/s3/bucket.ts',
    edits: [{ find: 'details.body !== undefined && hungUp(error)', replace: 'false' }],
    tests: connectionTests,
  },
  {
    name: 'a certificate that is not trusted is called a server that does not answer',
    file: 'src/store/s3/no-answer.ts',
    edits: [{ find: 'fault !== undefined && step !== undefined', replace: 'false' }],
    tests: connectionTests,
  },
  {
    name: 'an object is sent beside the prefix of the service in a shared bucket',
    file: 'src/store/s3/bucket.ts',
    edits: [{ find: "const path = key === '' ? '' : root + key", replace: 'const path = key' }],
    tests: connectionTests,
  },
  {
    name: 'a bucket that was lost in mid-class stays lost',
    file: 'src/store/s3/store.ts',
    edits: [{ find: '      await bucket.make()\n      return await call()', replace: '      throw error' }],
    tests: connectionTests,
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
    edits: [{ find: "if (hash.digest('hex') !== content.sha256) throw", replace: 'if (false) throw' }],
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

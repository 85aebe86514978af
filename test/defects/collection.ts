// Defects on a file's way from a stopped sandbox into a committed bag.

import type { Defect } from './defect.ts'

const inventoryTests = ['test/src/collection/inventory.test.ts']
const uploadTests = ['test/src/collection/upload-pass.test.ts']
const earlyTests = ['test/src/collection/early-upload.test.ts']
const fillTests = ['test/src/collection/fill-bag.test.ts']
const collectTests = ['test/src/collection/collect.test.ts']
const verifyTests = ['test/src/collection/compare.test.ts']
const tagTests = ['test/src/bag/tag-files.test.ts']
const keyTests = ['test/src/bag/object-key.test.ts']

export const collectionDefects: readonly Defect[] = [
  {
    name: 'a process that was overtaken removes what it does not want out of a committed bag',
    file: 'src/collection/fill-bag.ts',
    edits: [
      {
        find: '  await refuseIfCommitted(work, prefix)\n  await work.store.remove(key, work.signal)',
        replace: '  await work.store.remove(key, work.signal)',
      },
    ],
    tests: ['test/src/classes/down/down-class.test.ts'],
  },
  {
    name: 'two names that are not UTF-8 become one in the inventory',
    file: 'src/collection/take-inventory.ts',
    edits: [
      {
        find: "const path = Buffer.from(entry.path).toString('latin1')",
        replace: 'const path = Buffer.from(entry.path).toString()',
      },
    ],
    tests: inventoryTests,
  },
  {
    name: 'a hard link is stored as an empty file',
    file: 'src/collection/take-inventory.ts',
    edits: [
      { find: "if (entry.type === 'file') await", replace: "if (['file', 'hard-link'].includes(entry.type)) await" },
      { find: 'return { type, path,', replace: "return { type: type === 'hard-link' ? 'file' : type, path," },
    ],
    tests: [...inventoryTests, ...uploadTests],
  },
  {
    name: 'a symbolic link is stored as a file',
    file: 'src/collection/take-inventory.ts',
    edits: [
      {
        find: "if (entry.type === 'file') await",
        replace: "if (['file', 'symbolic-link'].includes(entry.type)) await",
      },
      { find: 'return { type, path,', replace: "return { type: type === 'symbolic-link' ? 'file' : type, path," },
    ],
    tests: [...inventoryTests, ...collectTests],
  },
  {
    name: "a file over the lab's limit is left out without a word",
    file: 'src/bag/write-submission.ts',
    edits: [
      {
        find: 'yield* described(contents.records(trait.leftOut), skipped)',
        replace: 'for await (const each of contents.records(trait.leftOut)) if (!each.skipped) yield skipped(each)',
      },
    ],
    tests: tagTests,
  },
  {
    name: "a file over the lab's limit is not counted as skipped",
    file: 'src/collection/inventory.ts',
    edits: [{ find: '} else if (isLeftOut(record)) {', replace: '} else if (isLeftOut(record) && !record.skipped) {' }],
    tests: inventoryTests,
  },
  {
    name: 'the headers of the second reading are not compared with the first',
    file: 'src/collection/upload-pass.ts',
    edits: [{ find: 'if (!record || !sameHeader(record, describe(entry))) throw', replace: 'if (!record) throw' }],
    tests: uploadTests,
  },
  {
    name: 'the contents of the second reading are not compared with the first',
    file: 'src/collection/upload-pass.ts',
    edits: [{ find: '!== content.sha256) throw changed(path)', replace: "=== '') throw changed(path)" }],
    tests: uploadTests,
  },
  {
    name: 'what was sent while the inventory was read counts as stored though a send failed',
    file: 'src/collection/early-upload.ts',
    edits: [{ find: 'this.#hasFailed = true', replace: '' }],
    tests: earlyTests,
  },
  {
    name: 'files are sent into a bag that is committed',
    file: 'src/collection/early-upload.ts',
    edits: [{ find: 'if (await isCommitted(store, prefix, signal)) return undefined\n', replace: '' }],
    tests: collectTests,
  },
  {
    name: 'what was sent of a workspace over its limit stays in the store',
    file: 'src/collection/collect.ts',
    edits: [
      { find: "if (error instanceof CollectError && error.code === 'over-limit') await", replace: 'if (false) await' },
    ],
    tests: collectTests,
  },
  {
    name: 'a sandbox that takes its time to stop holds the place of a collection',
    file: 'src/classes/down/collect-leavers.ts',
    edits: [
      { find: 'await context.stopGate(record.classId, () =>', replace: 'await inTurn(context, run, record, () =>' },
    ],
    tests: ['test/src/classes/down/down-class.test.ts'],
  },
  {
    name: 'a bag is committed before its files are safe from a loss of power',
    file: 'src/collection/fill-bag.ts',
    edits: [{ find: '  await store.settle(prefix, signal)\n', replace: '' }],
    tests: ['test/src/collection/settled.test.ts'],
  },
  {
    name: 'the folders of a bag may be lost with the power',
    file: 'src/store/directory/files.ts',
    edits: [{ find: '  for (const folder of folders) await sync(join(root, folder))\n', replace: '' }],
    tests: ['test/src/collection/settled.test.ts'],
  },
  {
    name: 'a second reading that ends early is accepted',
    file: 'src/collection/upload-pass.ts',
    edits: [{ find: 'if (!(await records.next()).done) throw', replace: 'if (false) throw' }],
    tests: uploadTests,
  },
  {
    name: 'an object that an earlier attempt left is used by its key alone',
    file: 'src/collection/compare.ts',
    edits: [
      {
        find: 'return object !== undefined && (await matches(store, object, content, signal))',
        replace: 'return object !== undefined',
      },
    ],
    tests: [...verifyTests, ...fillTests],
  },
  {
    name: 'logs are not collected',
    file: 'src/collection/collect.ts',
    edits: [
      {
        find: 'spoolLogs((last) => runtime.logs(target.container.id, signal, last))',
        replace: 'spoolLogs(async function* () {})',
      },
    ],
    tests: collectTests,
  },
  {
    name: 'the reading of the logs from their end is not compared with the first',
    file: 'src/collection/logs.ts',
    edits: [{ find: 'if (differing(first, await digestLogs(read(last))) !== undefined) return true', replace: '' }],
    tests: ['test/src/collection/logs.test.ts'],
  },
  {
    name: 'what is missing in the store is not noticed',
    file: 'src/collection/compare.ts',
    edits: [
      {
        find: 'const absent = expected.inventory.files + expected.others.size - found.size',
        replace: 'const absent = 0',
      },
    ],
    tests: [...verifyTests, ...fillTests],
  },
  {
    name: 'what the store holds is compared by its size alone',
    file: 'src/collection/compare.ts',
    edits: [{ find: 'if (object.md5 !== undefined && object.md5 === content.md5) return', replace: 'return' }],
    tests: verifyTests,
  },
  {
    name: 'what an earlier attempt left stays in the bag',
    file: 'src/collection/fill-bag.ts',
    edits: [{ find: 'for (const key of extra) await removeLeftover(work, prefix, prefix + key)', replace: '' }],
    tests: fillTests,
  },
  {
    name: 'a bag is committed without being compared with the store',
    file: 'src/collection/fill-bag.ts',
    edits: [
      {
        find: 'await compareBag(store, prefix, { inventory, others }, signal)',
        replace: '{ missing: [], differing: [], extra: [] }',
      },
    ],
    tests: fillTests,
  },
  {
    name: 'a bag is committed though the store lists less than it holds',
    file: 'src/collection/fill-bag.ts',
    edits: [{ find: 'if (unlisted > 0) {', replace: 'if (false) {' }],
    tests: fillTests,
  },
  {
    name: 'bagit.txt is written before anything is compared',
    file: 'src/collection/fill-bag.ts',
    edits: [
      { find: '  const others = new Map', replace: '  await commit(store, prefix, signal)\n  const others = new Map' },
      { find: 'if (extra.includes(bagDeclarationKey)) throw committedMeanwhile()', replace: '' },
      {
        find: 'for (const key of extra) await',
        replace: 'for (const key of extra) if (key !== bagDeclarationKey) await',
      },
    ],
    tests: fillTests,
  },
  {
    name: 'the commit may replace the commit of another process',
    file: 'src/collection/fill-bag.ts',
    edits: [{ find: '{ ifAbsent: true, signal }', replace: '{ signal }' }],
    tests: fillTests,
  },
  {
    name: 'the commit mark is not read back',
    file: 'src/collection/fill-bag.ts',
    edits: [
      { find: 'if ((await sha256Of(await store.read(key, signal))) !== content.sha256) {', replace: 'if (false) {' },
    ],
    tests: fillTests,
  },
  {
    name: 'a store that stays away is taken for one that took the object',
    file: 'src/collection/fill-bag.ts',
    edits: [
      {
        find: 'if (!passing || attempt === storeAttempts || signal.aborted) throw error',
        replace: 'if (!passing || signal.aborted) throw error\n      if (attempt === storeAttempts) return undefined',
      },
    ],
    tests: fillTests,
  },
  {
    name: 'a committed bag is taken for the answer though the sandbox holds other work',
    file: 'src/collection/collect.ts',
    edits: [{ find: 'if (await holdsExactly(work, place.prefix, manifestFile)) return', replace: 'return' }],
    tests: collectTests,
  },
  {
    name: 'the manifest lacks empty files',
    file: 'src/bag/tag-files.ts',
    edits: [
      { find: 'of contents.stored()) yield', replace: 'of contents.stored()) if (record.content.size > 0) yield' },
    ],
    tests: [...tagTests, ...collectTests],
  },
  {
    name: 'the manifest lacks the logs',
    file: 'src/bag/tag-files.ts',
    edits: [{ find: 'of logs) yield', replace: 'of []) yield' }],
    tests: tagTests,
  },
  {
    name: 'submission.json gives names that are not UTF-8 as text only',
    file: 'src/bag/write-submission.ts',
    edits: [{ find: "return Buffer.from(text, 'utf8').equals(bytes) ?", replace: 'return bytes.length >= 0 ?' }],
    tests: tagTests,
  },
  {
    name: 'the escape sign of keys is not escaped, so that two names can share a key',
    file: 'src/bag/object-key.ts',
    edits: [{ find: '\\p{Zp}=', replace: '\\p{Zp}' }],
    tests: keyTests,
  },
  {
    name: 'what a store cannot have in a key is not escaped',
    file: 'src/bag/object-key.ts',
    edits: [{ find: 'text === undefined || mustGo || unsafe.test(text)', replace: 'text === undefined' }],
    tests: keyTests,
  },
  {
    name: 'a key is made for what has none: links, excluded files, fifos',
    file: 'src/collection/inventory.ts',
    edits: [
      {
        find: 'if (isStored(record)) {\n      this.files++',
        replace: 'this.keys.of(record.path)\n    if (isStored(record)) {\n      this.files++',
      },
    ],
    tests: inventoryTests,
  },
  {
    name: 'what is remembered of the path before is used for another folder',
    file: 'src/bag/object-key.ts',
    edits: [{ find: 'segment !== this.#raw[at])', replace: 'segment.length !== this.#raw[at]?.length)' }],
    tests: keyTests,
  },
  {
    name: 'paths have no bound',
    file: 'src/collection/take-inventory.ts',
    edits: [{ find: 'if (this.#inventory.pathBytes > mostPathBytes) {', replace: 'if (false) {' }],
    tests: ['test/src/collection/inventory-bounds.proof.ts'],
  },
  {
    name: 'memory holds whole paths',
    file: 'src/collection/inventory.ts',
    edits: [{ find: "createHash('sha256').update(text, 'utf8').digest().toString('latin1', 0, 16)", replace: 'text' }],
    tests: inventoryTests,
  },
  {
    name: 'a large file holds everybody up until it is read',
    file: 'src/collection/take-inventory.ts',
    edits: [{ find: 'pieces?.push(chunk)\n    await giveWay()', replace: 'pieces?.push(chunk)' }],
    tests: inventoryTests,
  },
  {
    name: 'work that gives way is never waited for',
    file: 'src/give-way.ts',
    edits: [{ find: 'setImmediate(beginTurn)', replace: 'queueMicrotask(beginTurn)' }],
    tests: ['test/src/collection/inventory.test.ts'],
  },
  {
    name: 'two snapshots within one instant share an id',
    file: 'src/collection/collect.ts',
    edits: [{ find: '...times.map((time) => time + 1)', replace: '' }],
    tests: collectTests,
  },
  {
    name: 'a payload is put beside a commit mark that is there already',
    file: 'src/collection/fill-bag.ts',
    edits: [{ find: 'await refuseIfCommitted(work, prefix)\n      const entries', replace: 'const entries' }],
    tests: collectTests,
  },
  {
    name: 'a log of which the first lines alone cannot be read is taken for whole',
    file: 'src/collection/logs.ts',
    edits: [{ find: 'new Set([Math.max(1, records), records + 1])', replace: '[Math.max(1, records)]' }],
    tests: ['test/src/collection/logs.test.ts'],
  },
  {
    name: "an engine that cannot read a log on keeps the student's files from being collected",
    file: 'src/runtime/docker/logs.ts',
    edits: [
      { find: "if (!isEngineError(error, 'protocol') || !error.engineMessage) throw error", replace: 'throw error' },
    ],
    tests: ['test/src/runtime/docker/logs.test.ts'],
  },
  {
    name: 'a log that was rotated away has no note',
    file: 'src/runtime/docker/logs.ts',
    edits: [{ find: 'stored < leastAfterLoss', replace: 'stored > 0' }],
    tests: ['test/src/runtime/docker/logs.test.ts'],
  },
  {
    name: 'extended attributes of the archive are dropped',
    file: 'engine-api/tar/pax.ts',
    edits: [{ find: 'xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value))', replace: '{}' }],
    tests: ['test/engine-api/tar/read.test.ts'],
  },
  {
    name: 'a signal that many calls share warns of a leak',
    file: 'src/store/abortable.ts',
    edits: [{ find: 'if (signal !== undefined) setMaxListeners(0, signal)', replace: '' }],
    tests: ['test/src/collection/many-at-once.proof.ts'],
  },
  {
    name: 'part of a path, cut off where the list of sockets ends, is named as a socket',
    file: 'src/classes/down/before-stop.ts',
    edits: [{ find: ".split('\\0').slice(0, -1)", replace: ".split('\\0')" }],
    tests: ['test/src/classes/down/down-class.test.ts'],
  },
]

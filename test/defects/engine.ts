// Defects in reading an engine's answers and in what is asked of an engine.

import type { Defect } from './defect.ts'

const tarTests = ['test/engine-api/tar/read.test.ts']
const frameTests = ['test/engine-api/streams/frames.test.ts']
const endpointTests = ['test/engine-api/endpoints.test.ts']
const replayTests = ['test/fixtures/class.test.ts']
const archiveTests = ['test/src/runtime/docker/archive.test.ts']
const sealTests = ['test/src/runtime/docker/seal.test.ts']
const startTests = ['test/src/runtime/docker/start.test.ts']

export const engineDefects: readonly Defect[] = [
  {
    name: 'an archive without any end mark is taken for complete',
    file: 'engine-api/tar/read.ts',
    edits: [
      {
        find: 'if (block.length < BLOCK) {',
        replace: 'if (block.length === 0) return { header: undefined, globals }\n    if (block.length < BLOCK) {',
      },
      { find: 'if (blocks === 1 && block.length < BLOCK) throw', replace: 'if (false) throw' },
    ],
    tests: tarTests,
  },
  {
    name: 'one zero block is taken for the end mark',
    file: 'engine-api/tar/read.ts',
    edits: [{ find: 'if (blocks === 1 && block.length < BLOCK) throw', replace: 'if (false) throw' }],
    tests: tarTests,
  },
  {
    name: 'bytes after the end mark are accepted',
    file: 'engine-api/tar/read.ts',
    edits: [{ find: 'if (!block.equals(zeroBlock.subarray(0, block.length))) throw', replace: 'if (false) throw' }],
    tests: tarTests,
  },
  {
    name: 'a file that is shorter than its header says is passed on as a whole one',
    file: 'engine-api/tar/read.ts',
    edits: [
      {
        find: "if (piece === undefined) throw truncatedArchive(this.#source, 'inside the body of an entry')",
        replace: 'if (piece === undefined) {\n      this.#remaining = 0\n      return Buffer.alloc(0)\n    }',
      },
    ],
    tests: tarTests,
  },
  {
    name: 'a size in a PAX header is ignored',
    file: 'engine-api/tar/pax.ts',
    edits: [{ find: 'return { size: decodeInteger(value, at) }', replace: 'return {}' }],
    tests: tarTests,
  },
  {
    name: 'a header with a wrong checksum is accepted',
    file: 'engine-api/tar/header.ts',
    edits: [{ find: 'return stored === unsigned || stored === unsigned - negative', replace: 'return true' }],
    tests: tarTests,
  },
  {
    name: 'names in an archive are decoded as UTF-8, so that two of them become one',
    file: 'engine-api/tar/pax.ts',
    edits: [{ find: 'return Buffer.from(value)', replace: 'return Buffer.from(value.toString())' }],
    tests: tarTests,
  },
  {
    name: "the engine's own error inside a log is taken for output",
    file: 'engine-api/streams/frames.ts',
    edits: [{ find: 'if (type !== ENGINE_ERROR) {', replace: 'if (true) {' }],
    tests: frameTests,
  },
  {
    name: 'output that ends inside a frame is taken for whole',
    file: 'engine-api/streams/frames.ts',
    edits: [{ find: 'if (remaining > 0 || headerLength > 0) throw cut(endpoint)', replace: '' }],
    tests: frameTests,
  },
  {
    name: 'a connection that breaks ends an answer as if it were whole',
    file: 'engine-api/transport/transport.ts',
    edits: [{ find: 'throw explain(endpoint, target, cause, signal)', replace: 'void cause' }],
    tests: ['test/engine-api/streaming.test.ts', 'test/engine-api/transport/transport.test.ts'],
  },
  {
    name: 'a text that ends where its connection broke is taken for whole',
    file: 'engine-api/transport/transport.ts',
    edits: [{ find: "if (known !== undefined && needs === 'text' && fault)", replace: 'if (false)' }],
    tests: ['test/engine-api/transport/whole-answer.test.ts'],
  },
  {
    name: 'the refusal to remove a running container is taken for its removal',
    file: 'engine-api/endpoints/container/remove.ts',
    edits: [{ find: "404: 'already-gone' }", replace: "404: 'already-gone', 409: 'removed' }" }],
    tests: ['test/engine-api/peer-defects.test.ts'],
  },
  {
    name: 'a container is removed with force',
    file: 'engine-api/endpoints/container/remove.ts',
    edits: [
      { find: 'query: [],', replace: "query: ['force']," },
      { find: '{ path: { id }, ...options }', replace: '{ path: { id }, query: { force: true }, ...options }' },
    ],
    tests: [...endpointTests, ...replayTests],
  },
  {
    name: 'containers are stopped, read and removed by their names',
    file: 'src/runtime/docker/seal.ts',
    edits: [{ find: 'id: container.Id,', replace: 'id: container.Name.slice(1),' }],
    tests: [...replayTests, ...sealTests],
  },
  {
    name: 'the restart policy is set after the stop, when the engine may have started the sandbox again',
    file: 'src/runtime/docker/seal.ts',
    edits: [
      { find: 'const refused = await neverRestart().then(', replace: 'const refused = await Promise.resolve().then(' },
      { find: '  if (refused) {\n    await neverRestart()', replace: '  {\n    await neverRestart()' },
    ],
    tests: [...replayTests, ...sealTests],
  },
  {
    name: 'a workspace that is not there is taken for an empty one',
    file: 'src/runtime/docker/archive.ts',
    edits: [
      {
        find: 'throw asArchiveError(error)',
        replace: "if (isEngineError(error, 'not-found')) return\n    throw asArchiveError(error)",
      },
    ],
    tests: archiveTests,
  },
  {
    name: 'a workspace that is a symbolic link is taken for an empty one',
    file: 'src/runtime/docker/archive.ts',
    edits: [
      { find: "if (first && !(entry.type === 'directory' && entry.name.equals(root))) {", replace: 'if (false) {' },
    ],
    tests: archiveTests,
  },
  {
    name: 'a volume of another session or another service is given to a student',
    file: 'src/runtime/docker/start.ts',
    edits: [
      {
        find: 'return labels[label.installation] === context.installation && labels[label.session] === plan.sessionId',
        replace: 'return Boolean(labels)',
      },
    ],
    tests: startTests,
  },
  {
    name: 'a container of an earlier session is taken for this one',
    file: 'src/runtime/docker/start.ts',
    edits: [{ find: '      [label.session]: plan.sessionId,\n', replace: '' }],
    tests: startTests,
  },
  {
    name: 'a second session of a class gets the volumes of the first',
    file: 'src/names.ts',
    edits: [{ find: '{sessionId}`', replace: "{'home'}`" }],
    tests: ['test/src/names.test.ts', ...replayTests],
  },
  {
    name: 'containers of other installations are listed as ours',
    file: 'src/runtime/docker/survey.ts',
    edits: [{ find: 'list({ all: true, filters })', replace: 'list({ all: true })' }],
    tests: replayTests,
  },
]

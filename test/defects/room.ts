// Defects where the engine lacks room, or an image: work that is lost or kept for ever on account of it.

import type { Defect } from './defect.ts'

const errorTests = ['test/src/runtime/docker/errors.test.ts']
const discardTests = ['test/src/classes/discard-student.test.ts']
const rescueTests = ['test/src/runtime/docker/rescue.test.ts']

export const roomDefects: readonly Defect[] = [
  {
    name: 'an engine that can write no restart policy keeps a class from being collected',
    file: 'src/runtime/docker/seal.ts',
    edits: [
      {
        find: '      if (!isRefusal(error)) throw error\n    })\n  }\n  return asSealed',
        replace: '      throw error\n    })\n  }\n  return asSealed',
      },
    ],
    tests: ['test/src/runtime/docker/seal.test.ts'],
  },
  {
    name: 'a full disk of the engine counts as a fault of the sandbox',
    file: 'src/runtime/docker/errors.ts',
    edits: [{ find: "if (engineMessage !== undefined && isFull(engineMessage)) return 'full'", replace: '' }],
    tests: errorTests,
  },
  {
    name: 'work is given up because the disk of the engine is full',
    file: 'src/collection/errors.ts',
    edits: [{ find: " || error.code === 'full'", replace: '' }],
    tests: discardTests,
  },
  {
    name: 'a volume that could not be looked into yet is given up',
    file: 'src/classes/discard-student.ts',
    edits: [{ find: "?.state === 'missing' && code === 'failed'", replace: '=== undefined && false' }],
    tests: discardTests,
  },
  {
    name: 'a file of the host is named to teachers',
    file: 'src/runtime/docker/errors.ts',
    edits: [
      { find: 'withoutPaths(error.engineMessage ?? error.message)', replace: '(error.engineMessage ?? error.message)' },
    ],
    tests: errorTests,
  },
  {
    name: 'only the image of the lab makes a volume readable',
    file: 'src/runtime/docker/rescue.ts',
    edits: [{ find: "if (!isEngineError(error, 'not-found')) throw error\n    }", replace: 'throw error\n    }' }],
    tests: rescueTests,
  },
  {
    name: 'a volume from which the workspace was taken is read as an empty one',
    file: 'src/runtime/docker/archive.ts',
    edits: [{ find: "if (type !== 'directory' || !name.equals(root)) return undefined", replace: '' }],
    tests: ['test/src/runtime/docker/archive.test.ts'],
  },
]

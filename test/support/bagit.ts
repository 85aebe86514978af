// Two judges of a bag in a folder: bagit.py beside this file, and the Library of Congress's own bagit module where it is installed.

import { execFile } from 'node:child_process'
import { join } from 'node:path'

const ownValidator = join(import.meta.dirname, 'bagit.py')

/** What is wrong with the bag, in words; empty when every judge accepts it. */
export async function bagFaults(folder: string): Promise<string[]> {
  const own = await python([ownValidator, folder])
  const faults = own.output.split('\n').filter(Boolean)
  if (own.failed && faults.length === 0) faults.push('bagit.py failed')
  if (await libraryInstalled) {
    const library = await python(['-m', 'bagit', '--validate', folder])
    if (library.failed) faults.push(`the bagit module says: ${library.output.trim()}`)
  }
  return faults
}

const libraryInstalled = python(['-c', 'import bagit; bagit.Bag']).then(({ failed }) => !failed)

function python(args: readonly string[]): Promise<{ failed: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile('python3', args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    )
  })
}

// Two judges of a bag in a folder: bagit.py beside this file, and the Library of Congress's own bagit-python where scripts/parts has it.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ownValidator = join(import.meta.dirname, 'bagit.py')
const library = join(process.env['PARTS_DIR'] ?? resolve(import.meta.dirname, '../../.local/parts'), 'bagit')

/** For `test(name, { skip })`. */
export const skipWithoutLibrary = existsSync(library) ? false : `${library} is absent: scripts/parts bagit builds it`

/** What is wrong with the bag, in words; empty when every judge accepts it. */
export async function bagFaults(folder: string): Promise<string[]> {
  const own = await python([ownValidator, folder])
  const faults = own.output.split('\n').filter(Boolean)
  if (own.failed && faults.length === 0) faults.push('bagit.py failed')
  return skipWithoutLibrary === false ? [...faults, ...(await libraryFaults(folder))] : faults
}

/** What bagit-python alone says, line by line, where it does not accept all of these bags. */
export async function libraryFaults(...folders: readonly string[]): Promise<string[]> {
  const { failed, output } = await python([library, '--validate', ...folders])
  return failed ? output.trim().split('\n') : []
}

function python(args: readonly string[]): Promise<{ failed: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile('python3', args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    )
  })
}

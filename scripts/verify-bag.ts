// The command behind scripts/verify-bag: finds the bags that its arguments mean, has each checked, prints a line for each.
// Exit code 0: every bag is valid. 1: one is not, or there is none. 2: wrong usage, or the store cannot be read. Nothing is written.

import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { sessionIdPattern } from '../src/names.ts'
import { createDirectoryStore } from '../src/store/directory/store.ts'
import { openStore } from '../src/store/open-store.ts'
import type { Store } from '../src/store/port.ts'
import { type CheckedBag, checkBag } from './verify-bag-check.ts'

const usage = `usage: scripts/verify-bag [--receipt SHA256] ARG...

ARG is a folder on disk, or a prefix in the store that MINIO_* or ARTIFACTS_DIR name (CLASS, CLASS/SESSION, … down to one bag).
Every bag at or below it is read whole and checked. --receipt says whose bag has the manifest with this digest.
What is no folder on disk is a prefix; one that begins with '/' or '.' is always a folder.`

const bagsAtOnce = 4

/** A prefix that may be a bag, in the store that holds it. */
interface Place {
  readonly store: Store
  readonly prefix: string
  /** As the caller would write it. */
  readonly name: string
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** The store of the service's own environment; its other settings do not matter here. */
function configuredStore(): Store {
  const settings = Object.entries(process.env).filter(([name]) => name.startsWith('MINIO_') || name === 'ARTIFACTS_DIR')
  return openStore(readConfig(Object.fromEntries(settings)).store)
}

function placeOf(argument: string): Place {
  const folder = resolve(process.env['INIT_CWD'] ?? '', argument)
  if (isFolder(folder)) return { store: createDirectoryStore(folder), prefix: '', name: folder }
  if (/^[/.]/.test(argument)) throw new Error(`there is no folder ${folder}`)
  const prefix = argument.replace(/\/*$/, '/')
  return { store: configuredStore(), prefix, name: prefix }
}

/** Where a session's students have their bags, whatever lies there. */
const isBagPlace = (path: string): boolean =>
  new RegExp(sessionIdPattern).test(path.split('/').filter(Boolean).at(-3) ?? '')

/** Bags at or below a place. Nothing below a bag is looked at: a student's own files may hold a bag too. */
async function* bagsBelow(place: Place): AsyncGenerator<Place & { readonly committed: boolean }> {
  const { store, prefix, name } = place
  const holds = async (key: string) => (await store.stat(prefix + key)) !== undefined
  if (await holds('bagit.txt')) {
    yield { ...place, committed: true }
    return
  }
  const folders = await store.folders(prefix)
  const payload = folders.includes('data') ? await store.folders(`${prefix}data/`) : []
  const begun = payload.includes('workspace') || payload.includes('logs') || (await holds('manifest-sha256.txt'))
  if (begun || (isBagPlace(join(store.location, prefix)) && folders.length > 0)) {
    yield { ...place, committed: false }
    return
  }
  for (const folder of folders) {
    yield* bagsBelow({ store, prefix: `${prefix}${folder}/`, name: join(name, folder, '/') })
  }
}

function print(name: string, { files, bytes, manifestSha256, faults }: CheckedBag): void {
  const lines =
    faults.length === 0
      ? [`valid ${name} ${files} files, ${bytes} bytes, manifest ${manifestSha256}`]
      : [`INVALID ${name}`, ...faults.map((fault) => `  ${fault}`)]
  console.log(lines.join('\n'))
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        receipt: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const receipt = values.receipt?.toLowerCase()
    if (positionals.length === 0) throw new Error('nothing to verify is named')
    if (receipt !== undefined && !/^[0-9a-f]{64}$/.test(receipt)) throw new Error('a receipt has 64 hex digits')
    return { receipt, places: positionals.map(placeOf) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : error
    console.error(`verify-bag: ${reason}\n\n${usage}`)
    process.exit(2)
  }
}

async function verify(places: readonly Place[], receipt: string | undefined): Promise<boolean> {
  const found: (Place & { committed: boolean })[] = []
  let nowhere = 0
  for (const place of places) {
    const before = found.length
    for await (const bag of bagsBelow(place)) found.push(bag)
    if (found.length > before) continue
    nowhere++
    console.log(`no bag at or below ${place.name}`)
  }
  for (const { name } of found.filter(({ committed }) => !committed)) {
    console.log(`uncommitted ${name}: it has no bagit.txt, so it is no bag`)
  }

  const committed = found.filter((place) => place.committed)
  const waiting = committed.values()
  const owners: string[] = []
  let valid = 0
  const worker = async () => {
    for (const { store, prefix, name } of waiting) {
      const bag = await checkBag(store, prefix)
      print(name, bag)
      if (bag.faults.length === 0) valid++
      if (bag.manifestSha256 === receipt) owners.push(`${name} of ${bag.owner}`)
    }
  }
  await Promise.all(Array.from({ length: bagsAtOnce }, worker))

  const uncommitted = found.length - committed.length
  console.log(`${valid} valid, ${committed.length - valid} invalid, ${uncommitted} uncommitted`)
  if (receipt !== undefined)
    console.log(`receipt ${receipt}: ${owners.length === 0 ? 'of no bag here' : owners.join('; ')}`)
  return valid > 0 && valid === committed.length && nowhere === 0 && (receipt === undefined || owners.length > 0)
}

const { places, receipt } = readArguments()
try {
  process.exitCode = (await verify(places, receipt)) ? 0 : 1
} catch (error) {
  console.error(`verify-bag: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 2
} finally {
  await Promise.all(places.map(({ store }) => store.close()))
}

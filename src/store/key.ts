// The rules that a key of ours keeps in every store, checked before the store sees it: a key is never a way out of the bucket or folder.
import { StoreError } from './port.ts'

/** What a store needs for itself, at the top of its bucket or folder: no key of a caller lies in it, no list shows it. */
export const reservedFolder = '.class-runtime'

/**
 * Throws StoreError 'refused' unless `key` is 1 to 1,024 bytes of UTF-8 in '/'-separated segments, none of them empty, '.' or '..', the first
 * one not reserved.
 */
export function checkKey(key: string): void {
  const segments = key.split('/')
  const isBad = (segment: string) => segment === '' || segment === '.' || segment === '..'
  const bytes = Buffer.from(key)
  if (
    segments.some(isBad) ||
    segments[0] === reservedFolder ||
    bytes.toString() !== key ||
    bytes.includes(0) ||
    bytes.length > 1024
  ) {
    throw new StoreError('refused', `${JSON.stringify(key)} is no valid key`)
  }
}

/** As `checkKey` for a prefix, which ends in '/' or is empty. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return
  if (!prefix.endsWith('/'))
    throw new StoreError('refused', `${JSON.stringify(prefix)} is no prefix: it must end in '/'`)
  checkKey(prefix.slice(0, -1))
}

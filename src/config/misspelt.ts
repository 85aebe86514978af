// Variables that look like a setting of ours and are none.

import { settingNames } from '../settings.ts'
import { nearest } from '../spelling.ts'
import { ConfigError, type Get } from './values.ts'

/** So long, and unlike a word that other programs use, that one or two slips away from it no name is anybody else's. */
const misspellable = settingNames.filter((name) => name.length > 9 && name !== 'LOG_LEVEL')

/** A slip in `AUTH_ISSUER` can make a name that others use; in longer ones two cannot. */
const slipsOf = ({ length }: string): number => (length < 12 ? 1 : 2)

/** Of the MinIO server's own names, those that look like one of ours with something added. */
const ofMinio = /^MINIO_(?:(?:ACCESS|SECRET)_KEY_(?:FILE|OLD)|REGION_(?:NAME|COMMENT))$/

/**
 * A misspelt setting is one that its operator believes to be in force: bags would go to another place, or callers would not
 * be asked who they are. Where the right name is set too, the other is somebody else's.
 */
export function refuseMisspelt(env: Readonly<Record<string, string | undefined>>, get: Get): void {
  const known: readonly string[] = settingNames
  const missing = misspellable.filter((name) => get(name) === undefined)
  for (const [name, value] of Object.entries(env)) {
    if (!value?.trim() || known.includes(name) || ofMinio.test(name)) continue
    const longer = missing.find((each) => /^(?:MINIO|AUTH)_/.test(each) && name.toUpperCase().startsWith(`${each}_`))
    const meant = longer ?? nearest(name, missing, slipsOf)
    if (meant === undefined) continue
    const isFile = name.endsWith('_FILE') && meant === longer
    const hint = isFile ? `${meant} is, with the value itself and not the name of a file.` : `did you mean ${meant}?`
    throw new ConfigError(`${name} is not a setting of this service: ${hint} Correct it, or unset it.`)
  }
}

// The README and the pages of docs/ as tests see them: their text, their shell blocks, and the commands in these.

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export interface Page {
  /** From the root of the repository. */
  readonly file: string
  readonly text: string
}

export function docPages(): Page[] {
  const names = readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)
  return ['README.md', ...names].map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

export interface Fenced {
  readonly language: string
  readonly code: string
}

export const fencedIn = ({ text }: Page): Fenced[] =>
  [...text.matchAll(/^```(\S*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({ language, code }))

/** The commands of a shell block, one each, without comments; a line that ends in a backslash goes on. */
export const commandsOf = (code: string): string[] =>
  code
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(?:^|\s+)# .*$/, '').trim())
    .filter((line) => line !== '')

/** What no block may run here, and the file that runs it; without one the page itself must say that no test does. */
export const ranElsewhere: readonly { readonly command: RegExp; readonly by?: string; readonly says?: RegExp }[] = [
  { command: /^scripts\/demo$/, by: 'test/scripts/demo.proof.ts', says: /scripts\/demo/ },
  { command: /^scripts\/test$/, by: '.ci/run', says: /scripts\/test/ },
  { command: /^npm ci$/, by: 'scripts/install', says: /\bnpm ci\b/ },
  { command: /^npm run check$/, by: 'scripts/test', says: /npm run --silent types/ },
  {
    command: /^node --import tsx scripts\/run-tests\.ts /,
    by: 'test/scripts/run-tests.proof.ts',
    says: /run-tests\.ts/,
  },
  { command: /^docker (?:build|run) / },
  { command: /^ip6?tables / },
]

export const elsewhere = (command: string) => ranElsewhere.find((each) => each.command.test(command))

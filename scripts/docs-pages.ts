// What the documentation says of the code: docs/settings.md, docs/problems.md, and the table of calls in the README.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { calls } from '../src/http/calls/index.ts'
import { type Call, problemsOf } from '../src/http/define-call.ts'
import { type ProblemCode, problemKinds } from '../src/problems.ts'
import { settingNames, settings } from '../src/settings.ts'

const root = resolve(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

/** Of a call as people write it. */
const nameOf = ({ method, url }: Call): string => `\`${method} ${url}\``

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const settingsPage = [
  '<!-- Made by `npm run docs` from src/settings.ts: change that, not this file. -->',
  '# Settings',
  'Each setting is a variable of the environment. An empty value counts as unset. A wrong value, half a setting (keys without an',
  'endpoint, or the reverse) and a misspelt name stop the start with one line that says what to do. At its start the service logs',
  'which store, engine, catalogue and key source it uses.',
  '',
  row('variable', 'default', 'what it is for'),
  '|---|---|---|',
  ...settingNames.map((name) => {
    const setting: { readonly default?: string; readonly says: string } = settings[name]
    return row(`\`${name}\``, setting.default === undefined ? '' : `\`${setting.default}\``, setting.says)
  }),
]

const codes = Object.entries(problemKinds).map(([code, kind]) => ({ code, ...kind }))

/** Those that a call can answer with beside what every call can. */
function callsWith(code: string): string {
  const found = calls.filter((call) => problemsOf(call).some((each: ProblemCode) => each === code))
  if (found.length === calls.length) return 'every call'
  const byToken = calls.filter(({ access }) => access !== 'open')
  if (found.length === byToken.length && byToken.every((call) => found.includes(call)))
    return 'every call that needs a token'
  const names = found.map(({ name }) => `\`${name}\``)
  if (code === 'not-found' || names.length === 0) names.push('what is no call')
  return names.join(', ')
}

const problemsPage = [
  '<!-- Made by `npm run docs` from src/problems.ts and the calls: change those, not this file. -->',
  '# Problems',
  'An answer that is no success is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `code` and `instance`.',
  'Decide by `code`, which is one of this list. Show `detail` to people: it says what to do next. `instance` is the id of the',
  'request, which the logs carry. The last column names the calls as the OpenAPI document does (`operationId`).',
  '',
  row('code', 'status', 'what it means', 'who can answer with it'),
  '|---|---|---|---|',
  ...codes.map(({ code, status, title }) => row(`\`${code}\``, String(status), title, callsWith(code))),
]

/** A summary speaks of the OpenAPI document as `this`, which it is part of. */
const summaryOf = ({ summary }: Call): string => summary.replace(/^This document/, 'The OpenAPI document')

const callsTable = [row('call', 'does'), '|---|---|', ...calls.map((call) => row(nameOf(call), summaryOf(call)))]

/** The page with what stands between its marks made anew. */
function marked(file: string, mark: string, lines: readonly string[]): string {
  const [begin, end] = [`<!-- ${mark}: made by \`npm run docs\` -->\n`, `<!-- end of ${mark} -->`]
  const page = read(file)
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no marks for its ${mark}`)
  return `${page.slice(0, from)}${begin}${lines.join('\n')}\n${page.slice(to)}`
}

const pages: readonly (readonly [file: string, text: string])[] = [
  ['docs/settings.md', `${settingsPage.join('\n')}\n`],
  ['docs/problems.md', `${problemsPage.join('\n')}\n`],
  ['README.md', marked('README.md', 'calls', callsTable)],
]

/** What each page should be, with its absolute path; `isOld` where it is not that. */
export const madePages = pages.map(([file, text]) => ({
  file,
  path: resolve(root, file),
  text,
  isOld: read(file) !== text,
}))

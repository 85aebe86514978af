// `npm run docs` writes what docs-pages.ts makes of the code; `npm run docs -- --check` only says which pages are old.

import { writeFileSync } from 'node:fs'
import { madePages } from './docs-pages.ts'

const [flag, ...others] = process.argv.slice(2)
if (others.length > 0 || (flag !== undefined && flag !== '--check')) {
  console.error('usage: npm run docs -- [--check]')
  process.exitCode = 2
} else if (flag === '--check') {
  const old = madePages.filter(({ isOld }) => isOld)
  for (const { file } of old) console.error(`${file} is old: npm run docs`)
  process.exitCode = old.length === 0 ? 0 : 1
} else {
  for (const { path, text } of madePages) writeFileSync(path, text)
}

// scripts/curl.md as tests see it: its shell blocks in order, and the engine calls that stand in them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Block {
  /** Needs a registry that answers; marked so in the page. */
  readonly needsRegistry: boolean
  readonly code: string
}

export interface DocumentedCall {
  readonly method: string
  /** Below the version, with the page's `$VARIABLES`. */
  readonly path: string
  readonly query: readonly string[]
}

export function curlPage(): Block[] {
  const page = readFileSync(join(import.meta.dirname, '../../scripts/curl.md'), 'utf8')
  return [...page.matchAll(/^```sh( registry)?\n(.*?)^```$/gms)].map(([, registry, code = '']) => ({
    needsRegistry: registry !== undefined,
    code,
  }))
}

/** Every call of some blocks; a line with a `curl` that cannot be read as one is an error. */
export function callsOf(blocks: readonly Block[]): DocumentedCall[] {
  const lines = blocks.flatMap(({ code }) => code.split('\n')).filter((line) => /\bcurl /.test(line))
  return lines.map((line) => {
    const [, path, inPath = ''] = /"http:\/\/docker(?:\/\$API)?(\/[^"?]*)\??([^"]*)"/.exec(line) ?? []
    if (path === undefined || !line.includes('--unix-socket "$SOCK"')) throw new Error(`not a documented call: ${line}`)
    const inData = / -G /.test(line) ? [...line.matchAll(/(?:-d|--data-urlencode) ["']?(\w+)=/g)] : []
    const inUrl = [...inPath.matchAll(/(?:^|&)(\w+)=/g)]
    return { method: methodOf(line), path, query: [...inUrl, ...inData].map(([, name = '']) => name) }
  })
}

function methodOf(line: string): string {
  const named = /--request (\w+)/.exec(line)?.[1]
  if (named !== undefined) return named
  if (line.includes('--upload-file ')) return 'PUT'
  return / --data /.test(line) ? 'POST' : 'GET'
}

// Pages that are asked for again and again by their names: whose page comes?

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { RealTraefik } from './real-traefik.ts'

export interface Visited {
  readonly host: string
  /** What its own page says. */
  readonly page: string
}

/** What comes in the place of a page: its status, or why none came. */
export async function visit(traefik: RealTraefik, host: string): Promise<string> {
  const { status, body } = await traefik.get(host)
  return status === 200 ? body : `${status}`
}

/** Until the end is called, which answers with all that was neither its own page nor a 503. */
export function watchPages(traefik: RealTraefik, names: readonly Visited[]): () => Promise<string[]> {
  const wrong: string[] = []
  let visits = 0
  let stopped = false
  const loops = names.map(async ({ host, page }) => {
    while (!stopped) {
      const seen = await visit(traefik, host).catch((error: unknown) => `${error}`)
      visits++
      if (seen !== page && seen !== '503') wrong.push(`${host}: ${seen}`)
      await delay(50)
    }
  })
  return async () => {
    stopped = true
    await Promise.all(loops)
    assert.ok(visits > 0)
    return wrong
  }
}

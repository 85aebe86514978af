// What every runtime must do, as one suite that each runtime's own test file runs: the port's promises, seen through the port,
// while other hands reach the same engine.

import { type TestContext, test } from 'node:test'
import { checkCollecting } from './conformance/collecting.ts'
import { checkNetworks } from './conformance/networks.ts'
import { checkRemoval } from './conformance/removal.ts'
import { checkSandboxes } from './conformance/sandboxes.ts'
import type { Check, Site } from './conformance/site.ts'

/** Registers the suite. `open` gives a site with nothing of the suite's on its engine. */
export function conformance(name: string, open: (t: TestContext) => Promise<Site>, skip: string | false): void {
  const check: Check = (title, run) => {
    test(`${name}: ${title}`, { skip, timeout: 60_000 }, async (t) => run(await open(t), (why) => t.skip(why)))
  }
  checkNetworks(check)
  checkSandboxes(check)
  checkCollecting(check)
  checkRemoval(check)
}

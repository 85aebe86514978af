// A fault at the nth call, for n = 1, 2, 3 … until a run meets none: nothing is lost, and a repeat finishes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../../../src/problems.ts'
import { StoreError } from '../../../src/store/port.ts'
import { type MemoryClass, openClass, openWorkedClass, pair, workOf } from '../../support/memory-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'

/** `down` while faults happen, then without: it must come to its end, and the referee must have found nothing. */
async function finish(
  { down, runtime }: Awaited<ReturnType<typeof openWorkedClass>>,
  allowPartial: boolean,
): Promise<void> {
  await down(allowPartial).catch((error: unknown) => assert.ok(error instanceof Problem, `${error}`))
  runtime.before = () => {}
  runtime.after = () => {}
}

async function checkFinished({ down, runtime, folderOf }: Awaited<ReturnType<typeof openWorkedClass>>): Promise<void> {
  const answer = await down()
  assert.equal(answer.state, 'down')
  assert.deepEqual(new Set(answer.students.map(({ state }) => state)), new Set(['removed']))
  assert.deepEqual(runtime.held(), [])
  for (const studentId of pair) assert.ok(await isCollected(folderOf(studentId), workOf(studentId)))
}

for (const side of ['before', 'after'] as const) {
  test(`a store that fails for good ${side} its nth write loses nothing, for every n`, async (t) => {
    for (let failing = 1; ; failing++) {
      const worked = await openWorkedClass(t)
      let writes = 0
      worked.ofClass.storeHooks = {
        [side]: (method: string) => {
          if (method === 'put' || method === 'copy' || method === 'remove') writes++
          if (writes >= failing) throw new StoreError('unreachable', 'The store does not answer.')
        },
      }
      await finish(worked, failing % 2 === 0)
      worked.ofClass.storeHooks = {}
      await checkFinished(worked)
      if (writes < failing) break
    }
  })

  test(`an engine that fails once ${side} its nth call loses nothing, for every n`, async (t) => {
    for (let failing = 1; ; failing++) {
      const worked = await openWorkedClass(t)
      let calls = 0
      worked.runtime[side] = () => {
        calls++
        if (calls === failing) throw engineGone()
      }
      await finish(worked, failing % 2 === 0)
      await checkFinished(worked)
      if (calls < failing) break
    }
  })
}

/** `up` while faults happen, then without: it must come up and go down whole. Says whether a fault was reached. */
async function comesUp(ofClass: MemoryClass, fault: string, reached: () => boolean): Promise<boolean> {
  await ofClass
    .up({ students: pair })
    .catch((error: unknown) => assert.ok(error instanceof Problem, `${fault}: ${error}`))
  ofClass.runtime.startsAs.clear()
  ofClass.runtime.before = () => {}
  ofClass.runtime.after = () => {}
  ofClass.storeHooks = {}
  const answer = await ofClass.up({ students: pair }).catch((error: unknown) => assert.fail(`${fault}: ${error}`))
  assert.equal(answer.state, 'up', fault)
  const running = ['container SV001 running', 'container SV002 running', 'network class-os101-a']
  assert.deepEqual(ofClass.runtime.held(), [...running, 'volume SV001', 'volume SV002'], fault)
  assert.equal((await ofClass.down()).state, 'down', fault)
  assert.deepEqual(ofClass.runtime.held(), [], fault)
  return reached()
}

for (const side of ['before', 'after'] as const) {
  test(`an up is repeated with success after a fault ${side} the engine’s nth call, for every n`, async (t) => {
    for (let failing = 1, more = true; more; failing++) {
      const ofClass = await openClass(t)
      let calls = 0
      let event = ''
      ofClass.runtime[side] = (each) => {
        calls++
        if (calls !== failing) return
        event = each
        throw engineGone()
      }
      more = await comesUp(ofClass, `call ${failing}, ${event}`, () => calls >= failing)
    }
  })

  test(`an up is repeated with success after a store that fails ${side} its nth write, for every n`, async (t) => {
    for (let failing = 1, more = true; more; failing++) {
      const ofClass = await openClass(t)
      ofClass.runtime.startsAs.set('SV002', 'unhealthy')
      let writes = 0
      ofClass.storeHooks = {
        [side]: (method: string) => {
          if (['put', 'copy', 'remove'].includes(method)) writes++
          if (writes >= failing) throw new StoreError('unreachable', 'The store does not answer.')
        },
      }
      more = await comesUp(ofClass, `write ${failing}`, () => writes >= failing)
    }
  })
}

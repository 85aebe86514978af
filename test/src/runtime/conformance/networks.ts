// The room of an engine and the network of a class.

import assert from 'node:assert/strict'
import { networkName } from '../../../../src/names.ts'
import { type Check, existing, held, planFor, rejects, running, sandboxOf, start } from './site.ts'

export function checkNetworks(check: Check): void {
  check('an engine says its version, and the same id each time', async ({ runtime }) => {
    assert.match((await runtime.check()).version, /^\d/)
    assert.equal(await runtime.engineId(), await runtime.engineId())
  })

  check('a demand is met, or it is said of what there is not enough', async ({ runtime }) => {
    const { memoryMb, hasFreeSubnet, lacks } = await runtime.room()
    assert.ok(memoryMb > 0)
    assert.equal(hasFreeSubnet, true)
    const all = { sandboxes: 2, memoryMb: memoryMb - 1, usedMb: 1, networks: 1, runtime: 'runc' } as const
    assert.deepEqual(lacks(all), [])
    assert.deepEqual(lacks({ ...all, usedMb: 2 }), ['memory'])
    assert.deepEqual(lacks({ ...all, runtime: 'no-such-runtime', usedMb: 2 }), ['runtime', 'memory'])
    const nothing = {
      sandboxes: 0,
      memoryMb: 0,
      usedMb: memoryMb + 1,
      networks: 0,
      runtime: 'no-such-runtime',
    } as const
    assert.deepEqual(lacks(nothing), [])
  })

  check('an image is found by its name and by its id, and another is not there', async ({ runtime, lab }) => {
    const image = await runtime.image(lab.image)
    assert.equal(image?.id, lab.imageId)
    assert.deepEqual(image?.volumes, [])
    assert.deepEqual(await runtime.image(lab.imageId), image)
    assert.equal(await runtime.image('no-such-image:1'), undefined)
  })

  check('a network is made once, whatever the case of its class, and carries who it belongs to', async (site) => {
    const { runtime } = site
    const plan = planFor(site)
    assert.deepEqual(await runtime.survey(plan.classId), [])
    const { frozenLab: _, seats: _seats, ...identity } = plan
    const made = await runtime.openNetwork(plan)
    assert.deepEqual([made.name, made.created], [networkName(plan.classId), true])
    assert.deepEqual(await runtime.openNetwork(plan), { ...made, created: false })
    const shouted = { ...plan, classId: plan.classId.toUpperCase() }
    assert.deepEqual(await runtime.openNetwork(shouted), { ...made, created: false })
    const { network, sandboxes, ...found } = (await held(site, plan)) ?? assert.fail()
    assert.deepEqual(found, identity)
    assert.deepEqual(sandboxes, [])
    assert.deepEqual([network?.id, network?.name, network?.internal], [made.id, made.name, true])
    assert.equal((await runtime.survey(shouted.classId)).length, 1)
    assert.ok((await runtime.survey()).some(({ sessionId }) => sessionId === plan.sessionId))
  })

  check('a network that an ended session has left makes way for the next one of its class', async (site) => {
    const first = planFor(site)
    const old = await site.runtime.openNetwork(first)
    const second = planFor(site, first.classId.toLowerCase())
    const fresh = await site.runtime.openNetwork(second)
    assert.equal(fresh.created, true)
    assert.notEqual(fresh.id, old.id)
    assert.deepEqual(
      (await site.runtime.survey(first.classId)).map(({ sessionId }) => sessionId),
      [second.sessionId],
    )
  })

  check("a network of another hand's under the class's name is never touched", async (site) => {
    const plan = planFor(site)
    await site.hands.take('network', networkName(plan.classId))
    await rejects(site.runtime.openNetwork(plan), 'name-taken')
    assert.deepEqual(await site.runtime.survey(plan.classId), [])
  })

  check(
    'a pool without a free subnet has no room for one more network, and holds those that are there',
    async (site) => {
      const { runtime } = site
      const plan = planFor(site)
      await runtime.openNetwork(plan)
      await site.hands.useUpSubnets()
      const { hasFreeSubnet, lacks } = await runtime.room()
      assert.equal(hasFreeSubnet, false)
      const demand = { sandboxes: 1, memoryMb: 1, usedMb: 0, runtime: undefined }
      assert.deepEqual(lacks({ ...demand, networks: 1 }), ['network'])
      assert.deepEqual(lacks({ ...demand, networks: 0 }), [])
      await rejects(runtime.openNetwork(planFor(site)), 'subnets-exhausted')
      assert.equal((await runtime.openNetwork(plan)).created, false)
    },
  )

  check('the proxy is in a network that was opened, and comes back into it when it is made anew', async (site) => {
    const { runtime, hands } = site
    const { id } = await runtime.openNetwork(planFor(site))
    assert.equal(await hands.isProxyIn(id), true)
    await hands.renewProxy(true)
    assert.equal(await hands.isProxyIn(id), false)
    // One that is gone, meanwhile, is passed over.
    const gone = (await runtime.openNetwork(planFor(site))).id
    await runtime.closeNetwork(gone)
    assert.deepEqual([...((await runtime.attachProxy([gone, id]))?.unattached ?? [])], [])
    assert.equal(await hands.isProxyIn(id), true)
    assert.equal((await runtime.attachProxy([id]))?.isRunning, true)
    await runtime.attachProxy([])
  })

  check('without its proxy no network is opened, and there is no room for a class', async (site) => {
    const { runtime, hands } = site
    const plan = planFor(site)
    const { id } = await runtime.openNetwork(plan)
    await hands.renewProxy(false)
    await rejects(runtime.openNetwork(planFor(site)), 'proxy-missing')
    await rejects(runtime.openNetwork(plan), 'proxy-missing')
    await rejects(runtime.room(), 'proxy-missing')
    await rejects(runtime.attachProxy([id]), 'proxy-missing')
    await runtime.closeNetwork(id)
    assert.deepEqual(await runtime.survey(plan.classId), [])
  })

  check('a network is closed once nobody runs in it, and closing it again is fine', async (site) => {
    const { runtime } = site
    const { plan, network, id } = await running(site)
    await rejects(runtime.closeNetwork(network.id), 'failed')
    await runtime.seal(id, 1)
    const leave = await site.hands.enter(network.id)
    await rejects(runtime.closeNetwork(network.id), 'failed')
    assert.equal((await held(site, plan))?.network?.id, network.id)
    await leave()
    await runtime.closeNetwork(network.id)
    await runtime.closeNetwork(network.id)
    assert.equal((await held(site, plan))?.network, undefined)
    assert.equal((await existing(site, plan)).isDetached, true)
  })

  check("a sandbox that lost its class's network is brought into the new one, as it is", async (site) => {
    const { runtime, hands } = site
    const { plan, network, id } = await running(site)
    await hands.removeNetwork(network.id)
    assert.equal((await existing(site, plan)).isDetached, true)
    assert.equal((await runtime.openNetwork(plan)).created, true)
    await start(site, plan, await sandboxOf(site, plan))
    const joined = await existing(site, plan)
    assert.deepEqual([joined.id, joined.state, joined.isDetached], [id, 'running', false])

    await runtime.seal(id, 1)
    await hands.removeNetwork((await held(site, plan))?.network?.id ?? '')
    await runtime.openNetwork(plan)
    await start(site, plan, await sandboxOf(site, plan))
    const started = await existing(site, plan)
    assert.deepEqual([started.id, started.state, started.isDetached], [id, 'running', false])
  })
}

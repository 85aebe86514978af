// The room of an engine and the network of a class.

import assert from 'node:assert/strict'
import { networkName } from '../../../../src/names.ts'
import { type Check, existing, held, planFor, rejects, running, sandboxOf, start } from './site.ts'

export function checkNetworks(check: Check): void {
  check('an engine says its version, and the same id each time', async ({ runtime }) => {
    assert.match((await runtime.check()).version, /^\d/)
    assert.equal(await runtime.engineId(), await runtime.engineId())
  })

  check('a demand is met, or it is said of what there is not enough', async ({ runtime, lab, nodes }) => {
    const room = await runtime.room()
    assert.ok(room.memoryMb > 0)
    assert.equal(room.hasFreeSubnet, true)
    const image = await runtime.image(lab.image)
    const used = (each: number) => ({ usedMb: new Map([...nodes, undefined].map((node) => [node, each])) })
    const newcomers = [{ studentId: 'SV001' }]
    const eachMb = room.memoryMb / Math.max(nodes.length, 1)
    const all = { newcomers, memoryMb: eachMb - 1, ofClass: new Set<string>(), networks: 1, image, ...used(1) } as const
    const fits = room.place({ ...all, runtime: 'runc' })
    assert.deepEqual(fits.lacks, [])
    assert.deepEqual([...fits.nodes.keys()], nodes.length > 0 ? ['SV001'] : [])
    assert.ok([...fits.nodes.values()].every((node) => nodes.includes(node)))
    assert.deepEqual(room.place({ ...all, runtime: 'runc', ...used(2) }).lacks, ['memory'])
    assert.deepEqual(room.place({ ...all, runtime: 'no-such-runtime', ...used(2) }).lacks, ['runtime', 'memory'])
    const nothing = { ...all, newcomers: [], networks: 0, runtime: 'no-such-runtime', ...used(eachMb + 1) } as const
    assert.deepEqual(room.place(nothing).lacks, [])
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
      const room = await runtime.room()
      assert.equal(room.hasFreeSubnet, false)
      const image = await runtime.image(site.lab.image)
      const nothing = { usedMb: new Map(), ofClass: new Set<string>(), runtime: undefined, image }
      const demand = { ...nothing, newcomers: [{ studentId: 'SV001' }], memoryMb: 1 }
      assert.deepEqual(room.place({ ...demand, networks: 1 }).lacks, ['network'])
      assert.deepEqual(room.place({ ...demand, networks: 0 }).lacks, [])
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

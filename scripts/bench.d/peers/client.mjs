// What a call of the engine costs through dockerode, in processor time.

import { engine, request } from './own.mjs'

const calls = {
  ping: () => engine.ping(),
  inspect: () => engine.getContainer(request.container).inspect(),
  list: () => engine.listContainers({ all: true }),
}
const call = calls[request.call]
for (let count = 0; count < request.warm; count++) await call()
const before = process.cpuUsage()
for (let count = 0; count < request.times; count++) await call()
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ ms: (user + system) / 1000 / request.times }))

// The way of the document that the product was asked for in: dockerode, one student after the other.

import { engine, measured, request } from './own.mjs'

await measured(async () => {
  await engine.createNetwork(request.network)
  for (const { name, volume, body } of request.sandboxes) {
    await engine.createVolume({ Name: volume })
    const container = await engine.createContainer({ name, ...body })
    await container.start()
  }
})

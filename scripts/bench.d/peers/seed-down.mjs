// The way of the document that the product was asked for in: dockerode, one student and one file after the other, nothing verified.

import { engine, measured, readWorkspace, request, store } from './own.mjs'

await measured(async () => {
  for (const { container: name, volume } of request.students) {
    const container = engine.getContainer(name)
    await container.stop({ t: 1 })
    await readWorkspace(container, (path, body) =>
      store.putObject(request.bucket, `${name}/${path}`, body, body.header.size),
    )
    await container.remove({ v: true })
    await engine.getVolume(volume).remove()
  }
  await engine.getNetwork(request.network).remove()
})

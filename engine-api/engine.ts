// The engine client: every endpoint function bound to one transport, grouped by noun. What a function does, takes and
// throws is told in its endpoint file.

import { getArchive } from './endpoints/archive/get.ts'
import { putArchive } from './endpoints/archive/put.ts'
import { statArchive } from './endpoints/archive/stat.ts'
import { listChanges } from './endpoints/container/changes.ts'
import { createContainer } from './endpoints/container/create.ts'
import { inspectContainer } from './endpoints/container/inspect.ts'
import { killContainer } from './endpoints/container/kill.ts'
import { listContainers } from './endpoints/container/list.ts'
import { readLogs } from './endpoints/container/logs.ts'
import { pauseContainer } from './endpoints/container/pause.ts'
import { removeContainer } from './endpoints/container/remove.ts'
import { startContainer } from './endpoints/container/start.ts'
import { readStats } from './endpoints/container/stats.ts'
import { stopContainer } from './endpoints/container/stop.ts'
import { listProcesses } from './endpoints/container/top.ts'
import { unpauseContainer } from './endpoints/container/unpause.ts'
import { updateContainer } from './endpoints/container/update.ts'
import { waitContainer } from './endpoints/container/wait.ts'
import { importImage } from './endpoints/image/import.ts'
import { inspectImage } from './endpoints/image/inspect.ts'
import { listImages } from './endpoints/image/list.ts'
import { loadImages } from './endpoints/image/load.ts'
import { pullImage } from './endpoints/image/pull.ts'
import { removeImage } from './endpoints/image/remove.ts'
import { tagImage } from './endpoints/image/tag.ts'
import { connectNetwork } from './endpoints/network/connect.ts'
import { createNetwork } from './endpoints/network/create.ts'
import { disconnectNetwork } from './endpoints/network/disconnect.ts'
import { inspectNetwork } from './endpoints/network/inspect.ts'
import { listNetworks } from './endpoints/network/list.ts'
import { removeNetwork } from './endpoints/network/remove.ts'
import { listNodes } from './endpoints/node/list.ts'
import { updateNode } from './endpoints/node/update.ts'
import { initSwarm } from './endpoints/swarm/init.ts'
import { inspectSwarm } from './endpoints/swarm/inspect.ts'
import { joinSwarm } from './endpoints/swarm/join.ts'
import { leaveSwarm } from './endpoints/swarm/leave.ts'
import { getDiskUsage } from './endpoints/system/df.ts'
import { getSystemInfo } from './endpoints/system/info.ts'
import { pingSystem } from './endpoints/system/ping.ts'
import { createVolume } from './endpoints/volume/create.ts'
import { inspectVolume } from './endpoints/volume/inspect.ts'
import { listVolumes } from './endpoints/volume/list.ts'
import { removeVolume } from './endpoints/volume/remove.ts'
import { followEvents } from './events.ts'
import { runExec } from './exec/exec.ts'
import { openExec } from './exec/session.ts'
import type { Transport } from './transport/call.ts'
import { createTransport, type EngineOptions } from './transport/transport.ts'

export type Engine = ReturnType<typeof createEngine>

/**
 * A client of one engine. Connects at the first call, not here.
 * Throws EngineError `invalid-argument` for a host or a certificate folder it cannot use.
 */
export function createEngine(options: EngineOptions) {
  const transport = createTransport(options)
  const bound =
    <Arguments extends unknown[], Result>(endpoint: (transport: Transport, ...rest: Arguments) => Result) =>
    (...rest: Arguments): Result =>
      endpoint(transport, ...rest)

  return {
    system: {
      ping: bound(pingSystem),
      info: bound(getSystemInfo),
      diskUsage: bound(getDiskUsage),
      events: bound(followEvents),
    },
    networks: {
      create: bound(createNetwork),
      inspect: bound(inspectNetwork),
      list: bound(listNetworks),
      connect: bound(connectNetwork),
      disconnect: bound(disconnectNetwork),
      remove: bound(removeNetwork),
    },
    volumes: {
      create: bound(createVolume),
      inspect: bound(inspectVolume),
      list: bound(listVolumes),
      remove: bound(removeVolume),
    },
    containers: {
      create: bound(createContainer),
      start: bound(startContainer),
      inspect: bound(inspectContainer),
      list: bound(listContainers),
      update: bound(updateContainer),
      pause: bound(pauseContainer),
      unpause: bound(unpauseContainer),
      stop: bound(stopContainer),
      kill: bound(killContainer),
      wait: bound(waitContainer),
      logs: bound(readLogs),
      stats: bound(readStats),
      processes: bound(listProcesses),
      changes: bound(listChanges),
      remove: bound(removeContainer),
      archive: bound(getArchive),
      putArchive: bound(putArchive),
      stat: bound(statArchive),
    },
    exec: {
      run: bound(runExec),
      open: bound(openExec),
    },
    images: {
      inspect: bound(inspectImage),
      list: bound(listImages),
      pull: bound(pullImage),
      import: bound(importImage),
      load: bound(loadImages),
      tag: bound(tagImage),
      remove: bound(removeImage),
    },
    swarm: {
      init: bound(initSwarm),
      inspect: bound(inspectSwarm),
      join: bound(joinSwarm),
      leave: bound(leaveSwarm),
    },
    nodes: {
      list: bound(listNodes),
      update: bound(updateNode),
    },
    /** Ends every call (EngineError `aborted`) and closes every connection. */
    close: (): Promise<void> => transport.close(),
  }
}

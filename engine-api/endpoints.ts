// The table of all endpoints. Every record is reached through it, so a page or a check made from it is complete.

import type { Endpoint } from './endpoint.ts'
import { archiveGet } from './endpoints/archive/get.ts'
import { archivePut } from './endpoints/archive/put.ts'
import { archiveStat } from './endpoints/archive/stat.ts'
import { containerChanges } from './endpoints/container/changes.ts'
import { containerCreate } from './endpoints/container/create.ts'
import { containerInspect } from './endpoints/container/inspect.ts'
import { containerKill } from './endpoints/container/kill.ts'
import { containerList } from './endpoints/container/list.ts'
import { containerLogs } from './endpoints/container/logs.ts'
import { containerPause } from './endpoints/container/pause.ts'
import { containerRemove } from './endpoints/container/remove.ts'
import { containerStart } from './endpoints/container/start.ts'
import { containerStats } from './endpoints/container/stats.ts'
import { containerStop } from './endpoints/container/stop.ts'
import { containerTop } from './endpoints/container/top.ts'
import { containerUnpause } from './endpoints/container/unpause.ts'
import { containerUpdate } from './endpoints/container/update.ts'
import { containerWait } from './endpoints/container/wait.ts'
import { execAttach } from './endpoints/exec/attach.ts'
import { execCreate } from './endpoints/exec/create.ts'
import { execInspect } from './endpoints/exec/inspect.ts'
import { execResize } from './endpoints/exec/resize.ts'
import { execStart } from './endpoints/exec/start.ts'
import { imageImport } from './endpoints/image/import.ts'
import { imageInspect } from './endpoints/image/inspect.ts'
import { imageList } from './endpoints/image/list.ts'
import { imageLoad } from './endpoints/image/load.ts'
import { imagePull } from './endpoints/image/pull.ts'
import { imageRemove } from './endpoints/image/remove.ts'
import { imageTag } from './endpoints/image/tag.ts'
import { networkConnect } from './endpoints/network/connect.ts'
import { networkCreate } from './endpoints/network/create.ts'
import { networkDisconnect } from './endpoints/network/disconnect.ts'
import { networkInspect } from './endpoints/network/inspect.ts'
import { networkList } from './endpoints/network/list.ts'
import { networkRemove } from './endpoints/network/remove.ts'
import { nodeList } from './endpoints/node/list.ts'
import { nodeUpdate } from './endpoints/node/update.ts'
import { swarmInit } from './endpoints/swarm/init.ts'
import { swarmInspect } from './endpoints/swarm/inspect.ts'
import { swarmJoin } from './endpoints/swarm/join.ts'
import { swarmLeave } from './endpoints/swarm/leave.ts'
import { systemDf } from './endpoints/system/df.ts'
import { systemEvents } from './endpoints/system/events.ts'
import { systemInfo } from './endpoints/system/info.ts'
import { systemPing } from './endpoints/system/ping.ts'
import { volumeCreate } from './endpoints/volume/create.ts'
import { volumeInspect } from './endpoints/volume/inspect.ts'
import { volumeList } from './endpoints/volume/list.ts'
import { volumeRemove } from './endpoints/volume/remove.ts'

export const endpoints: readonly Endpoint[] = [
  systemPing,
  systemInfo,
  systemDf,
  systemEvents,
  networkCreate,
  networkInspect,
  networkList,
  networkConnect,
  networkDisconnect,
  networkRemove,
  volumeCreate,
  volumeInspect,
  volumeList,
  volumeRemove,
  containerCreate,
  containerStart,
  containerInspect,
  containerList,
  containerUpdate,
  containerPause,
  containerUnpause,
  containerStop,
  containerKill,
  containerWait,
  containerLogs,
  containerStats,
  containerTop,
  containerChanges,
  containerRemove,
  archiveStat,
  archiveGet,
  archivePut,
  execCreate,
  execStart,
  execAttach,
  execResize,
  execInspect,
  imageInspect,
  imageList,
  imagePull,
  imageImport,
  imageLoad,
  imageTag,
  imageRemove,
  swarmInit,
  swarmInspect,
  swarmJoin,
  swarmLeave,
  nodeList,
  nodeUpdate,
]

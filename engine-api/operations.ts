// The table of all operations. Every record is reached through it, so a page or a check made from it is complete.

import { archiveGet } from './endpoints/archive-get.ts'
import { archivePut } from './endpoints/archive-put.ts'
import { archiveStat } from './endpoints/archive-stat.ts'
import { containerCreate } from './endpoints/container-create.ts'
import { containerInspect } from './endpoints/container-inspect.ts'
import { containerKill } from './endpoints/container-kill.ts'
import { containerList } from './endpoints/container-list.ts'
import { containerLogs } from './endpoints/container-logs.ts'
import { containerRemove } from './endpoints/container-remove.ts'
import { containerStart } from './endpoints/container-start.ts'
import { containerStop } from './endpoints/container-stop.ts'
import { containerUpdate } from './endpoints/container-update.ts'
import { containerWait } from './endpoints/container-wait.ts'
import { execCreate } from './endpoints/exec-create.ts'
import { execInspect } from './endpoints/exec-inspect.ts'
import { execStart } from './endpoints/exec-start.ts'
import { imageImport } from './endpoints/image-import.ts'
import { imageInspect } from './endpoints/image-inspect.ts'
import { imageList } from './endpoints/image-list.ts'
import { imagePull } from './endpoints/image-pull.ts'
import { networkConnect } from './endpoints/network-connect.ts'
import { networkCreate } from './endpoints/network-create.ts'
import { networkDisconnect } from './endpoints/network-disconnect.ts'
import { networkInspect } from './endpoints/network-inspect.ts'
import { networkList } from './endpoints/network-list.ts'
import { networkRemove } from './endpoints/network-remove.ts'
import { systemInfo } from './endpoints/system-info.ts'
import { systemPing } from './endpoints/system-ping.ts'
import { volumeCreate } from './endpoints/volume-create.ts'
import { volumeInspect } from './endpoints/volume-inspect.ts'
import { volumeList } from './endpoints/volume-list.ts'
import { volumeRemove } from './endpoints/volume-remove.ts'
import type { Operation } from './operation.ts'

export const operations: readonly Operation[] = [
  systemPing,
  systemInfo,
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
  containerStop,
  containerKill,
  containerWait,
  containerLogs,
  containerRemove,
  archiveStat,
  archiveGet,
  archivePut,
  execCreate,
  execStart,
  execInspect,
  imageInspect,
  imageList,
  imagePull,
  imageImport,
]

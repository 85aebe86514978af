// The one door of the engine client: everything a user of it may import.

export { curlLine } from './curl-line.ts'
export type { AnsweringEndpoint, Deviation, Endpoint, TimeoutClass } from './endpoint.ts'
export type { Change } from './endpoints/container/changes.ts'
export type {
  ContainerSpecification,
  CreatedContainer,
  EndpointSettings,
  HostConfig,
  RestartPolicy,
  VolumeMount,
} from './endpoints/container/create.ts'
export type { Container } from './endpoints/container/inspect.ts'
export type { ContainerListOptions, ContainerSummary } from './endpoints/container/list.ts'
export type { ContainerLogsOptions } from './endpoints/container/logs.ts'
export type { ContainerStats } from './endpoints/container/stats.ts'
export type { ContainerStopOptions } from './endpoints/container/stop.ts'
export type { ContainerProcesses } from './endpoints/container/top.ts'
export type { ContainerWait, ContainerWaitOptions } from './endpoints/container/wait.ts'
export type { TerminalSize } from './endpoints/exec/resize.ts'
export type { Image } from './endpoints/image/inspect.ts'
export type { ImageListOptions, ImageSummary } from './endpoints/image/list.ts'
export type { NetworkConnectOptions } from './endpoints/network/connect.ts'
export type { CreatedNetwork, NetworkSpecification } from './endpoints/network/create.ts'
export type { NetworkDisconnectOptions } from './endpoints/network/disconnect.ts'
export type { Network } from './endpoints/network/inspect.ts'
export type { NetworkListOptions } from './endpoints/network/list.ts'
export type { DiskUsage } from './endpoints/system/df.ts'
export type { EngineEvent } from './endpoints/system/events.ts'
export type { SystemInfo } from './endpoints/system/info.ts'
export type { VolumeSpecification } from './endpoints/volume/create.ts'
export type { Volume } from './endpoints/volume/inspect.ts'
export type { VolumeListOptions } from './endpoints/volume/list.ts'
export { endpoints } from './endpoints.ts'
export { createEngine, type Engine } from './engine.ts'
export { EngineError, type EngineErrorCode, type EngineErrorDetails, isEngineError, type Retry } from './errors.ts'
export type { EventsItem, EventsOptions } from './events.ts'
export type { ExecResult, ExecRun } from './exec/exec.ts'
export type { ExecSession, ExecSessionOptions } from './exec/session.ts'
export type { OutputPiece } from './streams/frames.ts'
export type { PathStat } from './streams/path-stat.ts'
export { readTar, type TarEntry, type TarEntryType } from './tar/read.ts'
export { packTar, type TarInput } from './tar/write.ts'
export type { CallOptions } from './transport/call.ts'
export type { HostOptions } from './transport/host.ts'
export type { EngineOptions, Timeouts } from './transport/options.ts'
export type { CallReport } from './transport/report.ts'
export type { Filters } from './transport/request-path.ts'

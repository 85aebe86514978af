// The endpoints of the engine client that the service itself does not call: tests and scripts do, or a later call of the
// service will.
// test/live/curl.test.ts holds a whole life of a class against this list.

export const notOfTheService: ReadonlySet<string> = new Set([
  'archive-stat',
  'container-changes',
  'container-kill',
  'container-pause',
  'container-stats',
  'container-top',
  'container-unpause',
  'exec-resize',
  'image-import',
  'image-list',
  'image-load',
  'image-remove',
  'image-tag',
  'node-list',
  'node-update',
  'swarm-init',
  'swarm-inspect',
  'swarm-join',
  'swarm-leave',
  'system-df',
])

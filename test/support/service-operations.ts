// The operations of the engine client that the service itself never calls: tests and scripts do.
// test/live/curl.test.ts holds a whole life of a class against this list.

export const notOfTheService: ReadonlySet<string> = new Set([
  'archive-stat',
  'container-kill',
  'container-wait',
  'image-import',
  'image-list',
  'volume-inspect',
])

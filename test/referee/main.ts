// The referee as a command: node --import tsx test/referee/main.ts ENGINE_SOCKET LISTEN_SOCKET STORE TRUTH_FILE VIOLATIONS_FILE
// STORE is a folder or http://ACCESS:SECRET@host:port/bucket. It ends at SIGTERM or SIGINT: with 0 where no rule was broken, else 1.

import { startReferee } from './referee.ts'

const [engineSocket, listenSocket, store, truthFile, violationsFile] = process.argv.slice(2)
if (!engineSocket || !listenSocket || !store || !truthFile || !violationsFile) {
  console.error('usage: main.ts ENGINE_SOCKET LISTEN_SOCKET STORE TRUTH_FILE VIOLATIONS_FILE')
  process.exit(2)
}

const referee = await startReferee({ engineSocket, listenSocket, store, truthFile, violationsFile })
console.log(`referee: listens at unix://${listenSocket}`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await referee.close()
    console.log(`referee: ${referee.removals} removals judged, ${referee.violations.length} violations`)
    process.exit(referee.violations.length === 0 ? 0 : 1)
  })
}

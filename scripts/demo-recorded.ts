// The demo where no engine can be had: `demo-recorded.ts FOLDER`. The service takes a class up and down on what a real engine answered
// when it was recorded; only the students' work is not done here, since what they wrote is in the recorded archives.
// The surprise: the bags are as real as any, made and checked in the same way.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { classId, classScenario, runClass } from '../test/fixtures/class-scenario.ts'
import { readRecording } from '../test/support/recording.ts'
import { startReplay } from '../test/support/replay-engine.ts'
import { checkBag, showTree } from './demo-bags.ts'

const engine = 'docker-20.10'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Usage: demo-recorded.ts FOLDER')
const bags = join(folder, 'bags')
mkdirSync(bags)

const recording = await readRecording(engine, classScenario)
const replay = await startReplay(recording)
try {
  const { recordedAt, engine: recorded } = recording.head
  console.log(`engine: ${recorded}, as it answered on ${recordedAt.slice(0, 10)} (fixtures/engine/${engine})`)
  const { up, down } = await runClass(replay.host, bags, async () => undefined)

  console.log(`POST /room/up-class {"classId":"${classId}"}: session ${up.sessionId}`)
  for (const { studentId, containerName, endpoint } of up.students) {
    console.log(`  ${studentId}  ${containerName}  ${endpoint ?? ''}`)
  }
  console.log('  in the recording the students worked: an essay, a program in a folder, a symlink')
  console.log(`POST /room/down-class {"classId":"${classId}"}: state ${down.state}`)
  for (const { studentId, files, bytes, manifestSha256 } of down.students) {
    console.log(`  ${studentId}  ${files} files  ${bytes} bytes  manifest ${manifestSha256?.slice(0, 12)}`)
  }

  console.log(`  ${classId}/${up.sessionId}/, each file with its bytes and the start of its SHA-256:`)
  showTree(join(bags, classId, up.sessionId), '    ')
  for (const { studentId, bag } of down.students) {
    const files = checkBag(join(bags, bag ?? ''))
    console.log(`  checked: ${studentId}: sha256sum accepts the bag, with ${files} files as payload`)
  }

  const wrong = [...replay.mismatches, ...replay.unused().map((request) => `${request} was not asked for`)]
  if (wrong.length > 0) throw new Error(`the service did not talk to the engine as recorded: ${wrong.join('; ')}`)
  console.log(
    '  checked: every call to the engine was as recorded, with the removal of sandboxes, volumes and network at the end',
  )
  console.log('\nscripts/demo: done on a recorded engine, and everything it promised was checked')
} finally {
  await replay.close()
}

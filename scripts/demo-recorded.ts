// The demo where no engine can be had: `demo-recorded.ts FOLDER`. The service takes a class up and down on what a real engine answered
// when it was recorded; only the students' work is not done here, since what they wrote is in the recorded archives.
// The bags are as real as any, made and checked in the same way.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { classId, classScenario, runClass } from '../test/fixtures/class-scenario.ts'
import { readRecording } from '../test/support/recording.ts'
import { startReplay } from '../test/support/replay-engine.ts'
import { bagOf, checkBag, showBag } from './demo-bags.ts'
import { whatNext } from './demo-next.ts'

const engine = 'docker-20.10'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Usage: demo-recorded.ts FOLDER')
const bags = join(folder, 'bags')
mkdirSync(bags)

const recording = readRecording(engine, classScenario)
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
  const [first] = down.students
  if (first === undefined) throw new Error('no student')
  showBag(bags, first.studentId, bagOf(down.students, first.studentId))
  for (const { studentId, bag, files, bytes, manifestSha256 } of down.students) {
    checkBag(join(bags, bag ?? ''))
    const receipt = `${files} files, ${bytes} bytes, manifest ${manifestSha256?.slice(0, 12)}`
    console.log(`  checked: ${studentId}: ${receipt}: sha256sum accepts the bag`)
  }

  const wrong = [...replay.mismatches, ...replay.unused().map((request) => `${request} was not asked for`)]
  if (wrong.length > 0) throw new Error(`the service did not talk to the engine as recorded: ${wrong.join('; ')}`)
  console.log(
    '  checked: every call to the engine was as recorded, with the removal of sandboxes, volumes and network at the end',
  )
  console.log('\nscripts/demo: done on a recorded engine, and everything it promised was checked')
  console.log(whatNext)
} finally {
  await replay.close()
}

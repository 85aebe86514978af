// Takes so many classes down that have no fault, many at once, half into each kind of store. None may end in anything but
// `down` with every student's bag. Usage: healthy.ts DOWNS

import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { cleanUpOfSuite, randomFiles, upClass, work } from '../support/faults.ts'
import { storeKinds } from '../support/live.ts'
import { install } from '../support/service.ts'

const classesAtOnce = 10
const students = studentsOf(2)

const wanted = Number(process.argv[2])
if (!Number.isInteger(wanted) || wanted < 1) {
  console.error('usage: healthy.ts DOWNS')
  process.exit(2)
}

let [downs, kept, files] = [0, 0, 0]
const ends: (() => Promise<void>)[] = []
const cleanUp = cleanUpOfSuite((work) => void ends.push(work))
try {
  for (const [index, store] of storeKinds.entries()) {
    const classes = Array.from({ length: classesAtOnce }, (_, number) => `c${number}`)
    const installation = await install(cleanUp, {
      name: 'healthy',
      store,
      subnets: `10.243.${index * 16}.0/20`,
      catalogue: catalogueOf(Object.fromEntries(classes.map((classId) => [classId, students]))),
    })
    const service = await installation.start()
    const upAndDown = async (classId: string) => {
      await upClass(service, classId)
      for (const studentId of students) await work(`class-${classId}--${studentId}`, randomFiles(10, 2000))
      const { status, body } = await service.post('/room/down-class', { classId })
      const answer: { state?: string; students?: { files: number; state: string }[] } = Object(body)
      const healthy =
        status === 200 && answer.state === 'down' && answer.students?.every(({ state }) => state === 'removed')
      if (!healthy) console.log(`healthy: ${classId} ended as ${status} ${JSON.stringify(body)}`)
      downs++
      kept += healthy ? 0 : 1
      files += answer.students?.reduce((sum, each) => sum + each.files, 0) ?? 0
    }
    const enough = (wanted * (index + 1)) / storeKinds.length
    while (downs < enough) await Promise.all(classes.map(upAndDown))
  }
} finally {
  for (const end of ends) await end()
}
console.log(`healthy: ${downs} downs, ${files} files, ${kept} ended in anything but "down"`)
process.exitCode = kept === 0 ? 0 : 1

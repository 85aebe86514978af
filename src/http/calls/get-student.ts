import { sameId } from '../../names.ts'
import { Problem } from '../../problems.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { findSandbox } from '../../runtime/held.ts'
import { StudentDetails } from '../answers.ts'
import { summariseClass, surveyClasses } from '../class-state.ts'
import { defineCall, json } from '../define-call.ts'
import { describeMissing, describeSandbox } from '../sandbox-state.ts'
import { StudentParams } from '../schemas.ts'

export const getStudent = defineCall({
  name: 'get-student',
  method: 'GET',
  url: '/room/classes/:classId/students/:studentId',
  access: 'class',
  summary: 'One sandbox, how often it was restarted and how it ended last',
  params: StudentParams,
  answers: { 200: json("The student's sandbox.", StudentDetails) },
  problems: ['unknown-class', 'unknown-student', 'engine-unavailable'],
  async run(context, { params: { studentId: asked, classId: askedClass } }): Promise<StudentDetails> {
    const { runtime, traefik } = context.classes
    const catalogue = await context.currentCatalogue()
    const [held] = await surveyClasses(context, askedClass)
    const classId = held?.classId ?? catalogue.findClass(askedClass).classId
    const sandbox = findSandbox(held, asked)
    if (!sandbox) {
      const { missing } = summariseClass(context, catalogue, classId, held).students
      const roster = catalogue.hasClass(classId) ? catalogue.findClass(classId).students : []
      const studentId = [...missing, ...roster].find((each) => sameId(each, asked))
      if (studentId !== undefined) return { classId, ...describeMissing(studentId), life: null }
      throw new Problem('unknown-student', `studentId: '${asked}' is not in class '${classId}'.`)
    }
    const life = sandbox.filesOnly || sandbox.id === undefined ? null : await runtime.lifeOf(sandbox.id).catch(notSaid)
    return { classId, ...describeSandbox(traefik, classId, sandbox), life }
  },
})

/** The list of the engine has said what its state is: that much is answered. */
function notSaid(error: unknown): null {
  if (error instanceof RuntimeError) return null
  throw error
}

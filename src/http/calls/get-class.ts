import { isolationOf } from '../../runtime/isolation.ts'
import { ClassDetails } from '../answers.ts'
import { summariseClass, surveyClasses } from '../class-state.ts'
import { defineCall, json } from '../define-call.ts'
import { describeMissing, describeSandbox } from '../sandbox-state.ts'
import { ClassParams } from '../schemas.ts'

export const getClass = defineCall({
  name: 'get-class',
  method: 'GET',
  url: '/room/classes/:classId',
  access: 'class',
  summary: 'One class and its sandboxes',
  params: ClassParams,
  answers: { 200: json('The class.', ClassDetails) },
  problems: ['unknown-class', 'engine-unavailable'],
  async run(context, { params: { classId } }): Promise<ClassDetails> {
    const catalogue = await context.currentCatalogue()
    const [held] = await surveyClasses(context, classId)
    if (!held) {
      const ofClass = catalogue.findClass(classId)
      const { subject, lab } = ofClass
      const shown = summariseClass(context, catalogue, ofClass.classId, undefined)
      return { ...shown, subject, lab, isolation: null, sandboxes: [] }
    }
    const { subject, lab, createdBy } = held
    const isolation = held.network ? isolationOf(held.network) : null
    const shown = summariseClass(context, catalogue, held.classId, held)
    const { traefik } = context.classes
    const sandboxes = [
      ...held.sandboxes.map((each) => describeSandbox(traefik, held.classId, each)),
      ...shown.students.missing.map(describeMissing),
    ]
    return { ...shown, subject, lab, createdBy, isolation, sandboxes }
  },
})

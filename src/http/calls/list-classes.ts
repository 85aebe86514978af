import { foldId } from '../../names.ts'
import { ClassList } from '../answers.ts'
import { identityOf, mayActOn } from '../auth/access.ts'
import { summariseClass, surveyClasses } from '../class-state.ts'
import { defineCall, json } from '../define-call.ts'

export const listClasses = defineCall({
  name: 'list-classes',
  method: 'GET',
  url: '/room/classes',
  access: 'authenticated',
  summary: 'What is up',
  description: "The caller's classes, from the engine; an admin's are all.",
  answers: { 200: json('The classes.', ClassList) },
  problems: ['engine-unavailable'],
  async run(context, request) {
    const catalogue = await context.currentCatalogue()
    // The newest of a class comes last, so that it is the one that stays in the map.
    const oldestFirst = (await surveyClasses(context)).toReversed()
    const held = new Map(oldestFirst.map((session) => [foldId(session.classId), session]))
    const known = catalogue.classes.map(({ classId }) => classId)
    const orphans = [...held.values()]
      .filter(({ classId }) => !catalogue.hasClass(classId))
      .map(({ classId }) => classId)
    const identity = identityOf(request)
    const shown = [...known, ...orphans].filter((classId) => mayActOn(identity, catalogue, classId))
    return { classes: shown.map((classId) => summariseClass(context, catalogue, classId, held.get(foldId(classId)))) }
  },
})

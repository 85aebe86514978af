// Schemathesis, which knows nothing of this service but its OpenAPI document, against the service with a class that is up and a bag of it:
// what the document allows, what it forbids, and calls that follow one another by its links. SCHEMATHESIS_SEED repeats a run.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { workOf } from '../../../support/memory-class.ts'
import { openService } from '../../../support/memory-service.ts'
import { shaped } from '../../../support/shape.ts'
import { bearer, portalAuth } from '../../../support/tokens.ts'

const part = join(process.env['PARTS_DIR'] ?? resolve(import.meta.dirname, '../../../../.local/parts'), 'schemathesis')
const skip = existsSync(part) ? false : `${part} is absent: scripts/parts schemathesis builds it`
const seed = process.env['SCHEMATHESIS_SEED'] ?? String(Date.now() % 2 ** 32)

/** Beside its own time to load: examples and borders of every call first, chance for what is left. */
const seconds = 40

/** Not asked for: that all of a right form is accepted. Who is on a roster stands in no schema, and such a name is a 400 of its own code. */
const uncheckable = 'positive_data_acceptance'

const Collected = Type.Object({
  sessionId: Type.String(),
  students: Type.Array(Type.Object({ studentId: Type.String(), bag: Type.String() })),
})

/** The document has no way from a bag in an answer to the calls that read it: they are told of one. */
function knownBag({ sessionId, students }: Static<typeof Collected>): string {
  const [{ studentId, bag } = { studentId: '', bag: '' }] = students
  const path = '/room/classes/{classId}/sessions/{sessionId}/students/{studentId}/{collectionId}'
  const parameters = { classId: 'os101-a', sessionId, studentId, collectionId: bag.split('/').at(-2) }
  const told = [
    { path, parameters },
    { path: `${path}/files/{key}`, parameters: { ...parameters, key: 'submission.json' } },
  ]
  return told
    .map(
      (each) =>
        `[[operations]]\ninclude-path = '${each.path}'\n[operations.parameters]\n${Object.entries(each.parameters)
          .map(([name, value]) => `${name} = '${value}'\n`)
          .join('')}`,
    )
    .join('\n')
}

function schemathesis(folder: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const env = { ...process.env, PYTHONPATH: part, PYTHONDONTWRITEBYTECODE: '1', NO_COLOR: '1' }
  return new Promise((done) => {
    const child = execFile('python3', ['-m', 'schemathesis.cli', ...args], { cwd: folder, env }, (_, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, output: stdout + stderr }),
    )
  })
}

test(`schemathesis finds no answer that the document does not allow (SCHEMATHESIS_SEED=${seed})`, {
  skip,
  timeout: 180_000,
}, async (t) => {
  const { app, ofClass, post } = await openService(t, {}, portalAuth)
  const students = ['SV001', 'SV002', 'SV003']
  await ofClass.up({ students })
  for (const studentId of students) ofClass.runtime.write(studentId, ...workOf(studentId))
  const admin = bearer('operator', 'admin')
  const collected = await post('/room/collect-class', { classId: 'os101-a' }, { ...admin, prefer: 'wait=30' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const place = app.server.address()
  assert.ok(place !== null && typeof place === 'object')

  const folder = await mkdtemp(join(tmpdir(), 'schemathesis-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'schemathesis.toml'), knownBag(shaped(Collected, collected.json())))
  const { code, output } = await schemathesis(
    folder,
    ...['run', `http://127.0.0.1:${place.port}/openapi.json`, '--header', `Authorization: ${admin.authorization}`],
    ...['--seed', seed, '--max-time', String(seconds), '--continue-on-failure', '--exclude-checks', uncheckable],
  )
  t.diagnostic(/^ +\d+ generated.*$/m.exec(output)?.[0].trim() ?? 'no test case')
  assert.equal(code, 0, output)
  const [, tested] = /^ +Tested: (\d+)$/m.exec(output) ?? []
  assert.ok(Number(tested) >= 20, output)
})

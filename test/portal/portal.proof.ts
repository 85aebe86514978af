// portal.ts, the example of docs/portal.md: it compiles in strict mode with types that are made from the document, and does the main job.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { workOf } from '../support/memory-class.ts'
import { openService } from '../support/memory-service.ts'
import { bearer, portalAuth } from '../support/tokens.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const part = join(process.env['PARTS_DIR'] ?? join(root, '.local/parts'), 'openapi-typescript')
const skip = existsSync(part) ? false : `${part} is absent: scripts/parts openapi-typescript builds it`

test('a portal whose types are made from the document compiles in strict mode, and takes a class up and down', {
  skip,
}, async (t) => {
  const { app, ofClass } = await openService(t, {}, portalAuth)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const place = app.server.address()
  const address = `http://127.0.0.1:${typeof place === 'object' ? place?.port : ''}`
  const students = ['SV001', 'SV002', 'SV003']
  await ofClass.up({ students })
  for (const studentId of students) ofClass.runtime.write(studentId, ...workOf(studentId))

  // In the repository, so that Node's types and tsx are found from there.
  const folder = await mkdtemp(join(root, '.local/portal-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await copyFile(join(import.meta.dirname, 'portal.ts'), join(folder, 'portal.ts'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'tsconfig.json'), '{ "extends": "../../tsconfig.json", "include": ["portal.ts"] }')
  const types = join(folder, 'class-runtime.ts')
  await writeFile(join(folder, 'openapi.json'), await (await fetch(`${address}/openapi.json`)).text())
  const make = join(part, 'node_modules/.bin/openapi-typescript')
  await run(make, [join(folder, 'openapi.json'), '--output', types])
  await run(join(root, 'node_modules/.bin/tsc'), ['--project', folder])

  const token = bearer('operator', 'admin').authorization.replace('Bearer ', '')
  const portal = ['--import', 'tsx', join(folder, 'portal.ts'), address, token, 'os101-a']
  const { stdout } = await run(process.execPath, portal, { cwd: root })
  for (const studentId of students) {
    assert.match(stdout, new RegExp(`^${studentId} running http`, 'm'))
    assert.match(stdout, new RegExp(`^${studentId} removed, receipt [0-9a-f]{64}$`, 'm'))
    assert.match(stdout, new RegExp(`^ {2}${studentId}.txt: \\d+ bytes, as collected$`, 'm'))
  }
  assert.deepEqual(ofClass.runtime.held(), [])
})

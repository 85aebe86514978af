// What is put into a sandbox: a plain tar that begins with the workspace's own directory, whatever lies in it, so that no first byte
// of a student's makes an engine unpack it with a program of the image.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareWorkspace } from '../../../../src/runtime/docker/workspace.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { headBytes, whyNotPlain } from '../../../referee/archives.ts'
import { archiveOf, file, type Thing } from '../../../support/memory-archive.ts'
import { serve } from './hand-made.ts'

const workspace = '/home/student'

for (const [what, things] of [
  ['nothing', undefined],
  ['a file that is named as a compressed archive begins', [file('BZh91AY', 'x'), file(Buffer.from([0x1f, 0x8b]), 'y')]],
  ['the workspace itself, late', [file('a', 'x'), { path: '', type: 'directory', mode: 0o700 }]],
] satisfies [string, readonly Thing[] | undefined][]) {
  test(`with ${what} in it, it begins with the workspace's directory`, async (t) => {
    const { context, requests } = await serve(t, { 'PUT /containers/c/archive': answerOf(200, '') })
    const contents = things && (() => archiveOf(things))
    await prepareWorkspace(context, { workspace, user: '1000:1000' }, 'c', contents)
    const [sent] = requests.filter(({ method }) => method === 'PUT')
    assert.match(sent?.target ?? '', /path=%2Fhome&/)
    assert.equal(whyNotPlain(Buffer.from(sent?.body ?? '').subarray(0, headBytes), '/home', workspace), undefined)
  })
}

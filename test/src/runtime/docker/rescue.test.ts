// A volume that lost its container is read through one that never starts, whatever became of the lab's image.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isEngineError } from '../../../../engine-api/index.ts'
import { label, volumeName } from '../../../../src/names.ts'
import { rescueVolume } from '../../../../src/runtime/docker/rescue.ts'
import { rescueBody } from '../../../../src/runtime/docker/sandbox-body.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { type SessionIdentity, withoutRunner } from '../../../../src/runtime/held.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith, inspectedContainer, installation } from './hand-made.ts'

const session: SessionIdentity = {
  classId: 'os101-a',
  sessionId: '20260102t030405678z-00ff',
  subject: 'os101',
  lab: 'linux-shell',
  createdBy: 't-lan',
  expiresAt: '2026-01-02T06:04:05.678Z',
}
const sandbox = withoutRunner({ studentId: 'SV001', files: 'v', collect: '{"workspace":"/home/student"}' })
const name = volumeName(session.classId, sandbox.studentId, session.sessionId)
const rescueId = `sha256:${'5'.repeat(64)}`

const json = (status: number, body: object): Buffer => answerOf(status, JSON.stringify(body))
const gone = json(404, { message: 'No such image' })

/** An engine with these images, which says which one each container was asked of. */
async function engineWith(t: TestContext, images: readonly string[], created: Buffer = json(201, { Id: 'made' })) {
  const asked: string[] = []
  let imports = 0
  const { context } = await contextWith(t, (socket, { method, target, body }) => {
    const path = target.replace(/^\/v[\d.]+/, '').replace(/\?.*$/, '')
    if (path === '/containers/create') {
      const { Image } = JSON.parse(body.toString())
      asked.push(Image)
      return socket.write(images.includes(Image) || Image === rescueId ? created : gone)
    }
    if (path === '/images/create') {
      imports++
      return socket.write(json(200, { status: rescueId }))
    }
    if (method === 'GET' && path === `/containers/${name}/json`) {
      const labels = {
        [label.installation]: installation,
        [label.session]: session.sessionId,
        [label.student]: 'SV001',
      }
      return socket.write(json(200, inspectedContainer('there', name, labels)))
    }
    const known = images.find((image) => path === `/images/${encodeURIComponent(image)}/json`)
    return socket.write(known === undefined ? gone : json(200, { Id: rescueId, Size: 1 }))
  })
  const rescue = (imageId?: string) => rescueVolume(context, session, sandbox, '/home/student', imageId)
  return { rescue, asked, imports: () => imports }
}

test('the frozen image is taken where the engine has it', async (t) => {
  const { rescue, asked, imports } = await engineWith(t, ['sha256:lab'])
  assert.equal(await rescue('sha256:lab'), 'made')
  assert.deepEqual([asked, imports()], [['sha256:lab'], 0])
})

test('where the image is gone, or nobody knows it, one is made without any registry', async (t) => {
  for (const imageId of ['sha256:lab', undefined]) {
    const { rescue, asked, imports } = await engineWith(t, [])
    assert.equal(await rescue(imageId), 'made')
    assert.deepEqual([asked.at(-1), imports()], [rescueId, 1])
  }
})

test('the image that was made once serves again', async (t) => {
  const { rescue, imports } = await engineWith(t, ['class-runtime-rescue:latest'])
  assert.equal(await rescue('sha256:lab'), 'made')
  assert.equal(imports(), 0)
})

test('one whose answer was lost is adopted; another engine fault is told', async (t) => {
  const taken = await engineWith(t, ['sha256:lab'], json(409, { message: 'The container name is already in use' }))
  assert.equal(await taken.rescue('sha256:lab'), 'there')
  const full = await engineWith(t, ['sha256:lab'], json(500, { message: 'no space left on device' }))
  await assert.rejects(full.rescue('sha256:lab'), (error) => isEngineError(error) && !(error instanceof RuntimeError))
})

test('the whole create body of such a container is this and nothing else', () => {
  assert.deepStrictEqual(rescueBody('campus', session, sandbox, '/home/student', 'sha256:any'), {
    Image: 'sha256:any',
    Cmd: ['never-started'],
    Labels: {
      'class-runtime.installation': 'campus',
      'class-runtime.class': 'os101-a',
      'class-runtime.session': '20260102t030405678z-00ff',
      'class-runtime.subject': 'os101',
      'class-runtime.lab': 'linux-shell',
      'class-runtime.created-by': 't-lan',
      'class-runtime.expires-at': '2026-01-02T06:04:05.678Z',
      'class-runtime.student': 'SV001',
      'class-runtime.spec': '',
      'class-runtime.collect': '{"workspace":"/home/student"}',
    },
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      AutoRemove: false,
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      Mounts: [{ Type: 'volume', Source: name, Target: '/home', VolumeOptions: { NoCopy: true } }],
    },
  })
})

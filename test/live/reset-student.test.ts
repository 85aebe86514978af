// A student's sandbox made anew on a real engine, with everything that an earlier bag held: names, modes, owners, links,
// files larger than a buffer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { inspect, shell } from '../support/docker.ts'
import { bagSums, downClass, upClass, work } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'
import { shaped } from '../support/shape.ts'

const Bag = Type.Object({ bag: Type.String(), state: Type.String() })
const Reset = Type.Object({
  state: Type.Literal('reset'),
  collected: Bag,
  student: Type.Object({ state: Type.String() }),
})
const Collected = Type.Object({ students: Type.Array(Bag) })

/** Everything of a workspace but the times of links: type, mode, owner, seconds of the time, target, name. */
const listing = async (container: string): Promise<string> =>
  (
    await shell(
      container,
      `cd /home/student; find . -type l -exec sh -c 'echo "$1 -> $(readlink "$1")"' - {} \\; ; stat -c 'workspace %a %u:%g' .; find . ! -type l -exec stat -c '%F %a %u:%g %Y %n' {} + | grep -v ' \\.$'`,
    )
  )
    .toString()
    .split('\n')
    .sort()
    .join('\n')

test('a sandbox is made anew with the work of an earlier bag', { skip: skipWithoutEngine }, async (t) => {
  const installation = await install(t, {
    name: 'reset',
    store: 'directory',
    subnets: '10.243.0.0/24',
    catalogue: catalogueOf({ a: studentsOf(2) }),
    env: { SWEEP_SECONDS: '1' },
  })
  const service = await installation.start()
  await upClass(service, 'a')
  const long = 'x'.repeat(200)
  const sums = await work(
    'class-a--s01',
    `chmod 750 .; mkdir -p src/empty ${long}/${long}; echo main >src/main.c; chmod 4750 src/main.c; chmod 1777 src/empty
     head -c 3000000 /dev/urandom >data; echo deep >${long}/${long}/f; printf x >'đề bài'
     for name in 'line\\342\\200\\250separator' 'next\\302\\205line' 'carriage\\rreturn' 'line\\nfeed' 'not\\377utf8'; do
       mkdir "$(printf "$name")"; ln -s "$(printf "$name")" "$(printf "to $name")"; ln "$(printf "to $name")" "$(printf "too $name")"
     done
     echo 5 >.wh.whiteout
     ln -s /etc/passwd link; mkdir -p b; ln -s ../data b/near; ln -s "${long}" far; touch -d '2001-02-03 04:05:06' src/main.c; : >none; ln data twice; ln link second`,
  )
  const before = await listing('class-a--s01')
  await work('class-a--s01', 'ln -s ../../etc/hosts out; ln -s /../../../../etc/group climbing')
  const { body } = await service.post('/room/collect-class', { classId: 'a', students: ['s01'] })
  const restore = shaped(Collected, body).students[0]?.bag.split('/').at(-2)
  await work('class-a--s01', 'rm -rf ./* ./.wh.*; echo mistake >mistake')

  const answer = await service.post('/room/reset-student', { classId: 'a', studentId: 's01', restore })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const { collected, student } = shaped(Reset, answer.body)
  assert.equal(student.state, 'running')
  assert.deepEqual([...(await bagSums(installation.artifacts, collected.bag)).keys()], ['mistake'])
  // The one change: an engine unpacks no link that climbs out of the workspace.
  assert.equal(
    await listing('class-a--s01'),
    [...before.split('\n'), './out -> /etc/hosts', './climbing -> /etc/group'].sort().join('\n'),
  )
  assert.deepEqual(await work('class-a--s01', ':'), sums)
  const Policy = Type.Object({ HostConfig: Type.Object({ RestartPolicy: Type.Object({ Name: Type.String() }) }) })
  const { HostConfig } = await inspect('container', 'class-a--s01', Policy)
  assert.equal(HostConfig.RestartPolicy.Name, 'unless-stopped')

  await t.test('and without one it is empty; a down collects what is new', async () => {
    const again = await service.post('/room/reset-student', { classId: 'a', studentId: 's01' })
    assert.equal(again.status, 200, JSON.stringify(again.body))
    assert.deepEqual(await bagSums(installation.artifacts, shaped(Reset, again.body).collected.bag), sums)
    const fresh = await work('class-a--s01', 'ls -A | wc -l >count')
    const down = await downClass(service, 'a')
    assert.equal(down.state, 'down')
    const bag = down.students.find(({ studentId }) => studentId === 's01')?.bag
    assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), fresh)
  })
})

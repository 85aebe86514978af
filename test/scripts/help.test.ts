// Every command of scripts/: who asks what it does is told so and nothing else happens; who uses it wrongly is told so too.
// Of verify-bag, which is a program of Node, verify-bag-command.proof.ts knows it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')

/** A shell script, or what is named like one and is a link to it. */
const isCommand = (name: string): boolean =>
  !name.includes('.') && readFileSync(join(root, 'scripts', name), 'latin1').startsWith('#!/usr/bin/env bash\n')

const commands = readdirSync(join(root, 'scripts')).filter(isCommand)

const run = (command: string, ...args: string[]) =>
  spawnSync(join(root, 'scripts', command), args, { encoding: 'utf8', cwd: root, timeout: 30_000 })

test('every command is looked at', () => {
  assert.ok(commands.includes('verify-bag') && commands.includes('podman') && commands.length >= 10, commands.join())
})

for (const command of commands.filter((name) => name !== 'verify-bag')) {
  test(`scripts/${command} --help prints how it is used, and ends well`, () => {
    for (const flag of ['--help', '-h']) {
      const { status, stdout, stderr } = run(command, flag)
      assert.deepEqual([status, stderr], [0, ''])
      assert.match(stdout, new RegExp(`scripts/${command}\\b`))
    }
  })

  test(`scripts/${command} that is used wrongly says how it is used, and ends with 2`, () => {
    const { status, stdout, stderr } = run(command, '--no-such-flag')
    assert.deepEqual([status, stdout], [2, ''])
    assert.notEqual(stderr, '')
  })
}

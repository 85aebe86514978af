// A program of peers/: what somebody would use instead of the service. It runs in a process of its own, and prints as JSON what it took.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { engineHost, s3Server } from '../../test/support/live.ts'
import { shaped } from '../../test/support/shape.ts'
import type { Sample } from './measure.ts'

const folder = join(import.meta.dirname, 'peers')

/** False with a reason: their packages are not installed. */
export const hasPeers = (): boolean => existsSync(join(folder, 'node_modules'))

const Printed = Type.Object({ ms: Type.Number() })

/** `request` is the one argument of the program, as JSON. */
export async function runPeer(program: string, request: object): Promise<Sample> {
  const server = s3Server()
  const environment = {
    ENGINE: engineHost(),
    S3: JSON.stringify({ ...server }),
  }
  const child = spawn(process.execPath, [join(folder, program), JSON.stringify(request)], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [exitCode] = await once(child, 'close')
  if (exitCode !== 0) throw new Error(`${program} ended with ${exitCode}`)
  return shaped(Printed, JSON.parse(output))
}

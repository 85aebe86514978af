// The engine by the referee's own eyes: plain GETs, and what sandboxes are called by their labels.

import { type IncomingMessage, request } from 'node:http'
import { wholeBody } from './forward.ts'

export type Labels = Readonly<Record<string, string>> | null

export interface Container {
  readonly Id: string
  readonly Config: { readonly Labels: Labels; readonly User?: string; readonly WorkingDir?: string }
  readonly State: {
    readonly Running: boolean
    readonly Paused: boolean
    readonly Restarting: boolean
    readonly StartedAt: string
  }
}

/** What the engine answers to a GET, undefined where that is 404. `Answer` is what the engine's documents promise. */
export async function look<Answer>(engineSocket: string, path: string): Promise<Answer | undefined> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = { socketPath: engineSocket, path, headers: { host: 'engine' }, agent: false }
    request(asked, resolve).once('error', reject).end()
  })
  const text = (await wholeBody(answer)).toString()
  if (answer.statusCode === 404) return undefined
  if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode} ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

export const filtered = (filters: Readonly<Record<string, readonly string[]>>): string =>
  `filters=${encodeURIComponent(JSON.stringify(filters))}`

const label = (name: string): string => `class-runtime.${name}`

/** `class/session/student` of a sandbox's container or volume; undefined for anything else. */
export function studentOf(labels: Labels): string | undefined {
  const [ofClass, session, student] = ['class', 'session', 'student'].map((name) => labels?.[label(name)])
  return ofClass && session && student ? `${ofClass}/${session}/${student}` : undefined
}

/** Filters that find the containers and volumes of all sandboxes of a network's session. */
export function sandboxFilters(labels: Labels): readonly string[] {
  const same = ['installation', 'class', 'session'].map((name) => `${label(name)}=${labels?.[label(name)] ?? ''}`)
  return [...same, label('student')]
}

/** Undefined for what the service did not make. */
export const installationOf = (labels: Labels): string | undefined => labels?.[label('installation')]

/** What an up proves with that work can be collected: no student is ever in it. */
export const isProof = (labels: Labels): boolean =>
  labels?.[label('proof')] !== undefined && labels[label('student')] === undefined

// Defects in what Traefik is told, and in what is told of it.

import type { Defect } from './defect.ts'

const routesTests = ['test/src/traefik/routes.test.ts']
const traefikTests = ['test/src/traefik/traefik.test.ts']

export const traefikDefects: readonly Defect[] = [
  {
    name: 'a frozen sandbox loses its route',
    file: 'src/traefik/routes.ts',
    edits: [{ find: "new Set(['running', 'paused', ", replace: "new Set(['running', " }],
    tests: routesTests,
  },
  {
    name: 'a name leads to the sandbox of the same student in another class',
    file: 'src/traefik/routes.ts',
    edits: [
      { find: 'else services[name] =', replace: 'else services[sandbox.studentId] =' },
      { find: 'service: state ? pagesService : name,', replace: 'service: state ? pagesService : sandbox.studentId,' },
    ],
    tests: routesTests,
  },
  {
    name: 'a sandbox is led by Traefik into those of other classes',
    file: 'src/traefik/routes.ts',
    edits: [{ find: "  service: 'noop@internal',", replace: '  service: host,' }],
    tests: routesTests,
  },
  {
    name: 'a sandbox that cannot be visited loses its name',
    file: 'src/traefik/routes.ts',
    edits: [{ find: 'if (state) waiting.add(state)', replace: 'if (state) continue' }],
    tests: routesTests,
  },
  {
    name: 'an operator’s sign-in is left out for a page of the service',
    file: 'src/traefik/routes.ts',
    edits: [
      {
        find: '[...listOf(proxy.middlewares), ...(state',
        replace: '[...(state ? [] : listOf(proxy.middlewares)), ...(state',
      },
    ],
    tests: routesTests,
  },
  {
    name: 'any token gets the routes',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: 'wanted !== undefined && timingSafeEqual(given, wanted)', replace: 'wanted !== undefined' }],
    tests: traefikTests,
  },
  {
    name: 'a poll is answered by what was known, though something happened since',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: 'known.version >= wanted && ', replace: '' }],
    tests: traefikTests,
  },
  {
    name: 'an up answers before Traefik uses its routes',
    file: 'src/classes/up/start-students.ts',
    edits: [{ find: '  await context.traefik?.hasRoutes(run.signal)\n', replace: '' }],
    tests: traefikTests,
  },
  {
    name: 'routes that Traefik was given count as used',
    file: 'src/traefik/polls.ts',
    edits: [
      {
        find: '    this.#given.set(routes.id, routes)\n',
        replace: '    this.#given.set(routes.id, routes)\n    this.uses(routes.id)\n',
      },
    ],
    tests: traefikTests,
  },
  {
    name: 'what Traefik used before its end counts after it',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: '      this.#polls.beganAnew()\n', replace: '' }],
    tests: traefikTests,
  },
  {
    name: 'other routes are taken for those that Traefik uses',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: 'content === this.#known?.content ? this.#known.id : randomUUID()', replace: "'always'" }],
    tests: traefikTests,
  },
  {
    name: 'a Traefik that is silent is told to nobody',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: '    if (this.#polls.isSilent) return troubles.silent\n', replace: '' }],
    tests: traefikTests,
  },
  {
    name: 'a Traefik that does not use its routes is told to nobody',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: 'return this.#polls.isUnused ? troubles.unused : undefined', replace: 'return undefined' }],
    tests: traefikTests,
  },
  {
    name: 'a Traefik that does not run leaves /readyz as it is',
    file: 'src/http/readiness.ts',
    edits: [{ find: "(this.#traefik.trouble()?.detail ?? 'ok')", replace: "'ok'" }],
    tests: traefikTests,
  },
  {
    name: 'a page in the place of a sandbox is refused to a form that is sent',
    file: 'src/http/register-calls.ts',
    edits: [
      {
        find: '      ...(call.everyMethod ? { onRequest: async (request, reply) => call.run(context, request, reply) } : {}),\n',
        replace: '',
      },
    ],
    tests: traefikTests,
  },
  {
    name: 'a network that Traefik cannot be attached to keeps it out of the others',
    file: 'src/runtime/docker/network.ts',
    edits: [{ find: '      unattached.set(id, asRuntimeError(error))', replace: '      throw error' }],
    tests: ['test/src/runtime/docker/network.test.ts'],
  },
  {
    name: 'a class that Traefik is not attached to is told as the trouble of all',
    file: 'src/traefik/traefik.ts',
    edits: [
      {
        find: 'const network = this.#unattached.get(classId)',
        replace: 'const [network] = this.#unattached.values()',
      },
    ],
    tests: traefikTests,
  },
  {
    name: 'a sandbox that was thawed is called ill',
    file: 'src/runtime/docker/health.ts',
    edits: [{ find: "'unhealthy' && State.Health.FailingStreak !== 0", replace: "'unhealthy'" }],
    tests: ['test/src/runtime/docker/survey.test.ts'],
  },
  {
    name: 'a subnet that was given up a moment ago is dealt out first',
    file: 'src/runtime/docker/network.ts',
    edits: [{ find: 'begin)) if (!isWarm(subnet)) yield subnet', replace: 'begin)) yield subnet' }],
    tests: ['test/src/runtime/docker/network.test.ts'],
  },
  {
    name: 'a bound in time is collected as garbage, and an up waits for ever',
    file: 'src/within.ts',
    edits: [
      {
        find: 'AbortSignal.any([signal, late.signal])',
        replace: 'AbortSignal.any([signal, AbortSignal.timeout(milliseconds)])',
      },
    ],
    tests: ['test/src/within.test.ts'],
  },
]

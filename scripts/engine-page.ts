// engine-api/REFERENCE.md, made from the table of endpoints: what each call sends, and what its answers mean.

import { type Endpoint, endpoints } from '../engine-api/index.ts'
import { defaultTimeouts, type Timeouts } from '../engine-api/transport/options.ts'

const { quick, slow } = defaultTimeouts

const head = `<!-- Made by scripts/engine-reference.ts from the table of endpoints: change that, not this file. -->

# The endpoints of engine-api

${endpoints.length} calls of the Docker Engine API. The client runs them from the same records that this page is made of.

## To add an endpoint

- [ ] \`endpoints/NOUN/VERB.ts\`: its record (\`defineEndpoint\`), its answer in TypeBox with only the fields that are used, and one
      function. The head comment names the path and what a caller would not expect.
- [ ] Statuses that are no failure go into \`statuses\`; an answer whose status misleads goes into \`deviations\`, with the engines it
      was seen on; what only some engines do and no status tells into \`differences\`; what else a caller must know into \`notes\`.
- [ ] \`endpoints.ts\` lists the record, \`engine.ts\` binds the function, \`index.ts\` exports its types.
- [ ] \`test/engine-api/endpoints.test.ts\`: a row with the exact request; \`transport.test.ts\` for each deviation.
- [ ] \`test/live/engine-api.test.ts\`: the call on a real engine, benign outcomes included.
- [ ] \`test/fixtures/scenarios.ts\`: a scenario with the call, recorded on each engine of \`fixtures/engine/\` by
      \`npm run record SCENARIO\`; a test fails while an endpoint is not recorded.
- [ ] \`ENGINE_OPENAPI=engine-v1.41.yaml:engine-v1.51.yaml node --import tsx --test test/engine-api/openapi.test.ts\`: path, query, body
      and answer against the engine's own documents.
- [ ] \`npx tsx scripts/engine-reference.ts > engine-api/REFERENCE.md\`: this page; a test fails while it is old.

## How to read it

- **Query** lists every name that can be sent. Booleans go as 1 and 0, filters as JSON.
- **Answers** lists what is accepted. Every other status is an EngineError: 400 \`bad-request\`, 401 and 403 \`forbidden\`, 404 \`not-found\`,
  409 \`conflict\`, 500 and above \`server-error\`, a redirect \`protocol\`, the rest \`unexpected-status\`.
- Where engines differ, the table at the end tells.
- **Timeouts** are how long the engine may send nothing, before the answer's headers and inside its body: \`quick\` ${seconds(quick)};
  \`slow\` ${seconds(slow)}; \`unbounded\` has none, so only the caller's signal ends the call.
- **Repeat** tells what a caller may do after a broken connection or a 5xx: send the \`same\` again, or only \`after-inspect\`. The
  client itself repeats once, and only a GET whose connection was closed before any answer.
`

function seconds({ headersMs, idleMs }: Timeouts): string {
  return `${headersMs / 1000} s and ${idleMs / 1000} s`
}

function section(endpoint: Endpoint): string {
  const { name, method, path, query, statuses, timeout, retry, notes = [] } = endpoint
  const accepted = Object.entries(statuses).map(([status, outcome]) => `${status} ${outcome}`)
  const lines = [
    `## ${name}`,
    '',
    `\`${method} ${path}\``,
    '',
    `- Query: ${query.length === 0 ? 'none' : query.map((one) => `\`${one}\``).join(', ')}`,
    `- Answers: ${accepted.join(', ')}`,
    `- Timeouts: ${timeout}. Repeat: ${retry}.`,
    ...notes.map((note) => `- Note: ${note}`),
  ]
  return lines.join('\n')
}

/** One row for each deviation and difference: who, what, and what the client makes of it. */
function rows({ name, deviations = [], differences = [] }: Endpoint): string[] {
  const refusals = deviations.map((deviation) => {
    const meaning = 'outcome' in deviation ? `outcome \`${deviation.outcome}\`` : `EngineError \`${deviation.code}\``
    return [deviation.engines, `answers ${deviation.status} with \`${deviation.message}\``, meaning]
  })
  const others = differences.map(({ engines, does, client }) => [engines, does, client])
  return [...refusals, ...others].map((cells) => `| ${[`[${name}](#${name})`, ...cells].join(' | ')} |`)
}

const table = `## Where engines differ

The live tests ran on Docker 20.10, 26.1, 28.5 and 29.8, and on Podman 4.3, 5.4 and 5.8 (a class up, at work and down; every endpoint). What they
showed is data of the endpoint records. An answer counts as the deviation only where status and words both fit, and then
before the statuses.

| endpoint | engine | what it does | what the client does |
|---|---|---|---|
${endpoints.flatMap(rows).join('\n')}`

export const enginePage = `${[head.trim(), ...endpoints.map(section), table].join('\n\n')}\n`

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Type } from '@sinclair/typebox'
import { Problem } from '../../problems.ts'
import { defineCall } from '../define-call.ts'
import { closed } from '../schemas.ts'

export const docsAsset = defineCall({
  name: 'docs-asset',
  method: 'GET',
  url: '/docs/:asset',
  access: 'open',
  summary: 'Scripts and styles of that page',
  params: Type.Object({ asset: Type.String({ maxLength: 64 }) }, closed),
  answers: {
    200: {
      description: 'Its bytes, as text/javascript, text/css or image/png.',
      type: '*/*',
      headers: { 'cache-control': 'How long it may be kept.' },
    },
  },
  problems: ['not-found'],
  async run(_context, { params: { asset } }, reply) {
    const read = assets.get(asset)
    if (!read) throw new Problem('not-found', 'The page has no such file. It is at /docs.')
    return reply
      .type(read.type)
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'public, max-age=86400')
      .send(await read.bytes())
  },
})

const start = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
`

const require = createRequire(import.meta.url)
const ofPackage = (name: string) => () => readFile(require.resolve(`swagger-ui-dist/${name}`))

const assets: ReadonlyMap<string, { readonly type: string; bytes(): Promise<Buffer | string> }> = new Map([
  ['swagger-ui.css', { type: 'text/css; charset=utf-8', bytes: ofPackage('swagger-ui.css') }],
  ['swagger-ui-bundle.js', { type: 'text/javascript; charset=utf-8', bytes: ofPackage('swagger-ui-bundle.js') }],
  ['favicon-32x32.png', { type: 'image/png', bytes: ofPackage('favicon-32x32.png') }],
  ['start.js', { type: 'text/javascript; charset=utf-8', bytes: async () => start }],
])

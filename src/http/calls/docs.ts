// The contract for programs (/openapi.json) and for people (/docs): Swagger UI from its package, nothing from elsewhere.
// The page runs no inline script; styles are the exception, since Swagger UI sets some on its elements.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Problem } from '../../problems.ts'
import type { App } from '../app-type.ts'
import type { Described } from '../call.ts'
import { buildDocument } from '../openapi/document.ts'
import { AssetParams } from '../schemas.ts'

export function registerDocs(app: App, described: readonly Described[]): void {
  let document = ''
  // By then every route is known; a document that cannot be made stops the start.
  app.addHook('onReady', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))
    document = JSON.stringify(buildDocument(described, version))
  })

  app.get('/openapi.json', async (_request, reply) => {
    return reply.type('application/json').header('cache-control', 'no-cache').send(document)
  })

  app.get('/docs', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentPolicy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-cache')
      .send(page),
  )

  app.get('/docs/:asset', { schema: { params: AssetParams } }, async ({ params: { asset } }, reply) => {
    const read = assets.get(asset)
    if (!read) throw new Problem('not-found', 'The page has no such file. It is at /docs.')
    return reply
      .type(read.type)
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'public, max-age=86400')
      .send(await read.bytes())
  })
}

/** `connect-src` lets the page call the service that it came from, and nothing else. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>class-runtime: calls</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

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

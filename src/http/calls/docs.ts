// The contract as a page: Swagger UI from its package, nothing from elsewhere. The page runs no inline script; styles are the
// exception, since Swagger UI sets some on its elements.

import { defineCall } from '../define-call.ts'

export const docs = defineCall({
  name: 'docs',
  method: 'GET',
  url: '/docs',
  access: 'open',
  summary: 'This document as a page',
  answers: {
    200: {
      description: 'The page.',
      type: 'text/html',
      headers: { 'content-security-policy': 'Nothing from elsewhere, and no inline script.' },
    },
  },
  problems: [],
  run: async (_context, _request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentPolicy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-cache')
      .send(page),
})

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

// What a visitor sees in the place of a sandbox that cannot be visited now. Traefik leads here by the name of that sandbox, with
// whatever method and path the visitor asked for; the page says nothing of anybody.

import { Problem } from '../../problems.ts'
import { type WaitingState, waitingPath, waitingStates } from '../../traefik/routes.ts'
import { defineCall } from '../define-call.ts'

export const waitingPage = defineCall({
  name: 'waiting-page',
  method: 'GET',
  everyMethod: true,
  url: waitingPath(':state'),
  access: 'open',
  summary: 'The page in the place of a sandbox that cannot be visited now',
  description: 'Traefik leads here; every method is answered alike.',
  answers: {
    503: {
      description: 'The page.',
      type: 'text/html',
      headers: { 'retry-after': 'Seconds after which the page asks again.' },
    },
  },
  problems: ['not-found'],
  async run(_context, { url }, reply) {
    const state = waitingStates.find((each) => url.replace(/\?.*/s, '') === waitingPath(each))
    if (!state) throw new Problem('not-found', 'There is no such page.')
    return reply
      .code(503)
      .type('text/html; charset=utf-8')
      .header('retry-after', String(reloadSeconds))
      .header('cache-control', 'no-store')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors *")
      .header('x-content-type-options', 'nosniff')
      .send(pageOf(state))
  },
})

const reloadSeconds = 5

const words: Record<WaitingState, { readonly title: string; readonly text: string; readonly vi: string }> = {
  starting: {
    title: 'Your sandbox is starting',
    text: 'This page asks again by itself.',
    vi: 'Sandbox của bạn đang khởi động. Trang này sẽ tự tải lại.',
  },
  ill: {
    title: 'Your sandbox does not answer as it should',
    text: 'Its health check fails. Your files are kept. If this stays, tell your teacher.',
    vi: 'Sandbox của bạn đang gặp sự cố. Tệp của bạn vẫn được giữ. Nếu tình trạng này kéo dài, hãy báo cho giáo viên.',
  },
  stopped: {
    title: 'Your sandbox is stopped',
    text: 'Your files are kept. If the class is still on, tell your teacher.',
    vi: 'Sandbox của bạn đã dừng. Tệp của bạn vẫn được giữ. Nếu lớp vẫn đang học, hãy báo cho giáo viên.',
  },
}

function pageOf(state: WaitingState): string {
  const { title, text, vi } = words[state]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${reloadSeconds}">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }
</style>
</head>
<body>
<h1>${title}</h1>
<p>${text}</p>
<p lang="vi">${vi}</p>
</body>
</html>
`
}

// The page of the contract: all that it needs comes from the service, and nothing in it runs that is not a file of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, problemOf } from '../../../support/memory-service.ts'

test('the page names only files that the service has, each with the type of what it is', async (t) => {
  const { get } = await openService(t)
  const page = await get('/docs')
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file)
  const types: Record<string, string> = {
    js: 'text/javascript; charset=utf-8',
    css: 'text/css; charset=utf-8',
    png: 'image/png',
  }
  for (const file of files) {
    const response = await get(file)
    assert.equal(response.statusCode, 200, file)
    assert.equal(response.headers['content-type'], types[file.split('.').at(-1) ?? ''], file)
    assert.equal(response.headers['x-content-type-options'], 'nosniff')
    assert.match(response.headers['cache-control']?.toString() ?? '', /max-age=\d+/)
  }
  assert.equal(files.length, 4)
})

test('no script stands in the page, and the policy allows none and nothing from elsewhere', async (t) => {
  const { get } = await openService(t)
  const page = await get('/docs')
  assert.deepEqual([...page.body.matchAll(/<script[^>]*>([^<]+)/g)], [])
  assert.doesNotMatch(page.body, /https?:|\son\w+=/)
  const policy = page.headers['content-security-policy']?.toString() ?? ''
  assert.match(policy, /^default-src 'none'; script-src 'self';/)
  assert.match(policy, /connect-src 'self'/)
  assert.doesNotMatch(policy, /https?:|\*|unsafe-eval/)
})

test('no other file of the package or of the machine is given', async (t) => {
  const { get } = await openService(t)
  for (const path of [
    'package.json',
    'swagger-ui.js',
    '..%2Fpackage.json',
    '%2e%2e%2f%2e%2e%2fpackage.json',
    '__proto__',
  ]) {
    const response = await get(`/docs/${path}`)
    assert.equal(response.statusCode, 404, path)
    assert.equal(problemOf(response).code, 'not-found')
  }
})

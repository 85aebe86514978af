// A file of a bag, fetched over the redirect to a real S3 server by clients that show a token to the service, as docs/portal.md tells them to.

import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { createS3Store } from '../../src/store/s3/bucket.ts'
import { digestOf } from '../src/store/bodies.ts'

const { LIVE_S3, LIVE_S3_ACCESS_KEY = '', LIVE_S3_SECRET_KEY = '' } = process.env
const skip = LIVE_S3 === undefined ? 'LIVE_S3 is not set: no S3 server to run against (scripts/s3 starts one)' : false
const run = promisify(execFile)

const python = `import sys, urllib.request
request = urllib.request.Request(sys.argv[1])
request.add_unredirected_header("Authorization", "Bearer token")
sys.stdout.write(urllib.request.urlopen(request).read().decode())`

const go = `package main

import (
	"io"
	"net/http"
	"os"
)

func main() {
	client := &http.Client{CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		next.Header.Del("Authorization")
		return nil
	}}
	request, _ := http.NewRequest("GET", os.Args[1], nil)
	request.Header.Set("Authorization", "Bearer token")
	answer, err := client.Do(request)
	if err != nil || answer.StatusCode != 200 {
		os.Exit(1)
	}
	io.Copy(os.Stdout, answer.Body)
}
`

/** wget shows its header to whoever it is led to, so it is not led. */
const wget = `location=$(wget --quiet --server-response --max-redirect=0 --output-document=- --header 'Authorization: Bearer token' "$1" 2>&1 |
  sed -n 's/^ *[Ll]ocation: //p')
exec wget --quiet --output-document=- "$location"`

type Client = (url: string, folder: string) => readonly [program: string, ...args: string[]]
const clients: Readonly<Record<string, Client>> = {
  curl: (url) => ['curl', '-sSfL', '-H', 'Authorization: Bearer token', url],
  python3: (url) => ['python3', '-c', python, url],
  wget: (url) => ['sh', '-c', wget, 'sh', url],
  go: (url, folder) => ['go', 'run', join(folder, 'main.go'), url],
}
const isHad = (program: string): boolean => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0

for (const [program, command] of Object.entries(clients)) {
  const why = skip || (isHad(program) ? false : `${program} is missing`)
  test(`${program} comes by the redirect to a file without its token`, { skip: why, timeout: 120_000 }, async (t) => {
    const { url, tokens, text } = await startService(t)
    const folder = await mkdtemp(join(tmpdir(), 'download-'))
    t.after(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'main.go'), go)
    const [file, ...args] = command(url, folder)
    assert.equal((await run(file, args)).stdout, text)
    assert.deepEqual(tokens, ['Bearer token'])
  })
}

/** A file in the store, and what leads to it as the service does; `tokens` are those that it was shown. */
async function startService(t: TestContext): Promise<{ url: string; tokens: (string | undefined)[]; text: string }> {
  const store = createS3Store({
    endpoint: LIVE_S3 ?? '',
    accessKey: LIVE_S3_ACCESS_KEY,
    secretKey: LIVE_S3_SECRET_KEY,
    bucket: 'class-runtime-test',
    region: 'us-east-1',
  })
  await store.check()
  const key = `${randomUUID()}/a`
  const text = 'the work of a student'
  const bytes = Buffer.from(text)
  await store.put(key, digestOf(bytes), bytes)
  t.after(async () => {
    await store.remove(key)
    await store.close()
  })
  const location = await store.temporaryUrl(key, 'a')
  const tokens: (string | undefined)[] = []
  const service = createServer((request, answer) => {
    tokens.push(request.headers.authorization)
    answer.writeHead(302, { location }).end()
  })
  t.after(() => service.close())
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const address = service.address()
  assert.ok(address !== null && typeof address === 'object')
  return { url: `http://127.0.0.1:${address.port}/`, tokens, text }
}

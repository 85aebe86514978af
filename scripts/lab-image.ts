// Makes a lab image without any registry: `lab-image.ts [REPOSITORY:TAG]` (busybox:1.36) on the engine at DOCKER_HOST.
// Its one program is this machine's static busybox (Debian's busybox-static), so its version is that of the distribution, not of the tag.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, isEngineError } from '../engine-api/index.ts'

const [reference = 'busybox:1.36'] = process.argv.slice(2)
const [, repository, tag] = /^([^:]+):([^:/]+)$/.exec(reference) ?? []
if (repository === undefined || tag === undefined) fail(`'${reference}' is not REPOSITORY:TAG`)

function fail(message: string): never {
  console.error(`lab-image: ${message}`)
  process.exit(1)
}

/** The static busybox of this machine; a dynamic one would find no library in the image. */
function findBusybox(): string {
  const file = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync)
  if (file !== undefined && !spawnSync('ldd', [file], { encoding: 'utf8' }).stdout.includes('=>')) return file
  fail('no static busybox here: install the package busybox-static (scripts/install engine)')
}

function writeRoot(root: string, busybox: string): void {
  process.umask(0o022)
  chmodSync(root, 0o755)
  for (const folder of ['bin', 'etc', 'home', 'root', 'tmp', 'var']) mkdirSync(join(root, folder))
  chmodSync(join(root, 'tmp'), 0o1777)
  copyFileSync(busybox, join(root, 'bin/busybox'))
  chmodSync(join(root, 'bin/busybox'), 0o755)
  const applets = spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000::/home/student:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nstudent:x:1000:\n')
}

/** The folder as a tar in which root owns everything, whoever runs this. */
async function* tarOf(root: string): AsyncGenerator<Uint8Array, void, undefined> {
  const tar = spawn('tar', ['--create', '--owner=0', '--group=0', '--numeric-owner', '--directory', root, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(tar, 'exit')
  yield* tar.stdout
  const [code] = await exit
  if (code !== 0) fail(`tar ended with ${code}`)
}

const engine = createEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock' })
const present = await engine.images.inspect(reference).catch((error: unknown) => {
  if (isEngineError(error, 'not-found')) return undefined
  throw error
})
if (present === undefined) {
  const root = mkdtempSync(join(tmpdir(), 'lab-image-'))
  try {
    writeRoot(root, findBusybox())
    const id = await engine.images.import({ repository, tag }, tarOf(root))
    // Podman 4 ignores the tag of an import.
    await engine.images.tag(id, { repository, tag })
    console.log(`lab-image: made ${reference} (${id})`)
  } finally {
    rmSync(root, { recursive: true })
  }
} else {
  console.log(`lab-image: ${reference} is present (${present.Id})`)
}
await engine.close()

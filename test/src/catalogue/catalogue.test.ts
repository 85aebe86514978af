// The operator's file: what is filled in, what is refused and where, and what stays in force when an edit is broken.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CatalogueError, openCatalogue, parseCatalogue } from '../../../src/catalogue/catalogue.ts'
import { Problem } from '../../../src/problems.ts'

const lab = { image: 'busybox:1.36', cpus: 0.5, memoryMb: 128 }
const good = {
  labs: { 'linux-shell': lab, Python: { ...lab, image: 'python:3' } },
  subjects: { os101: { labs: ['linux-shell'] }, cs102: { labs: ['linux-shell', 'Python'] } },
  classes: {
    'os101-A': { subject: 'os101', teachers: ['t-lan'], students: ['SV001', 'SV002'], lab: 'linux-shell' },
    'cs102-a': { subject: 'cs102', students: [], lab: 'Python' },
  },
}

const parse = (change: object = {}) => parseCatalogue(JSON.stringify({ ...good, ...change }))

/** The message that a catalogue is refused with. */
function refusal(change: object): string {
  try {
    parse(change)
  } catch (error) {
    assert.ok(error instanceof CatalogueError, String(error))
    return error.message
  }
  assert.fail(`${JSON.stringify(change)} is accepted`)
}

const withLab = (change: object) => ({ labs: { ...good.labs, 'linux-shell': { ...lab, ...change } } })
const withClass = (change: object) => ({
  classes: { 'os101-A': { ...good.classes['os101-A'], ...change } },
})

test('what the file leaves out of a lab is filled in', () => {
  assert.deepEqual(parse().labs.get('linux-shell'), {
    ...lab,
    workspace: '/home/student',
    port: 8080,
    pids: 256,
    tmpMb: 64,
    internet: false,
    stopSeconds: 10,
    collect: { exclude: [], maxBytes: 1_073_741_824, maxFiles: 100_000 },
    ttlMinutes: 180,
    maxLifeMinutes: 720,
  })
})

test('a lab loosens by a short list, and by nothing that is not on it', () => {
  const loose = { writableRoot: true, capabilities: ['NET_RAW', 'CHOWN'] }
  const { writableRoot, capabilities } = parse(withLab(loose)).labs.get('linux-shell') ?? {}
  assert.deepEqual({ writableRoot, capabilities }, loose)
  const refused = [
    ['SYS_ADMIN'],
    ['ALL'],
    ['net_raw'],
    ['CAP_NET_RAW'],
    ['MKNOD'],
    ['NET_RAW', 'NET_RAW'],
    [],
    'NET_RAW',
  ]
  for (const each of refused)
    assert.match(refusal(withLab({ capabilities: each })), /\/labs\/linux-shell\/capabilities/)
  assert.match(refusal(withLab({ capabilities: ['SYS_ADMIN'] })), /one of CHOWN, .*, SETUID/)
  for (const runtime of ['runc', 'crun', '', 'runsc ', '/usr/bin/runsc']) {
    assert.match(refusal(withLab({ runtime })), /\/labs\/linux-shell\/runtime/)
  }
  for (const field of ['privileged', 'binds', 'devices', 'securityOpt', 'pidMode', 'networkMode']) {
    assert.match(refusal(withLab({ [field]: true })), new RegExp(`/labs/linux-shell: unknown key '${field}'`))
  }
})

test('what the file says is kept, also inside collect', () => {
  const collect = { exclude: ['**/node_modules/**'], maxFiles: 7 }
  const { labs } = parse(withLab({ collect, pids: 1, internet: true }))
  assert.deepEqual(labs.get('linux-shell')?.collect, { ...collect, maxBytes: 1_073_741_824 })
  assert.equal(labs.get('linux-shell')?.pids, 1)
  assert.equal(labs.get('linux-shell')?.internet, true)
})

test('a reference that leads nowhere is refused with its place', () => {
  const cases: [object, RegExp][] = [
    [{ subjects: { ...good.subjects, os101: { labs: ['gone'] } } }, /^at \/subjects\/os101\/labs: .*'gone'/],
    [withClass({ subject: 'gone' }), /^at \/classes\/os101-A\/subject: .*'gone'/],
    [withClass({ lab: 'Python' }), /^at \/classes\/os101-A\/lab: .*'os101'.*'Python'/],
    [withClass({ lab: 'gone' }), /^at \/classes\/os101-A\/lab: there is no lab 'gone' \(line 1\)$/],
    [withClass({ lab: 'linux-shel' }), /there is no lab 'linux-shel'; did you mean 'linux-shell'\?/],
    [withClass({ subject: 'OS-101' }), /there is no subject 'OS-101'; did you mean 'os101'\?/],
    [withClass({ subject: 'constructor' }), /^at \/classes\/os101-A\/subject/],
    [{ subjects: { ...good.subjects, os101: { labs: ['toString'] } } }, /^at \/subjects\/os101\/labs/],
    [withLab({ ttlMinutes: 721 }), /^at \/labs\/linux-shell\/ttlMinutes: .*720/],
    [withLab({ runtime: 'runsc', pids: 127 }), /^at \/labs\/linux-shell\/pids: .*'runsc'.*128.*gVisor takes some 40/],
    [withLab({ runtime: 'runsc', memoryMb: 63 }), /^at \/labs\/linux-shell\/memoryMb: .*'runsc'.*64: gVisor takes/],
  ]
  for (const [change, message] of cases) assert.match(refusal(change), message)
})

test('ids that differ only in case are refused with their place', () => {
  const cases: [object, RegExp][] = [
    [{ labs: { ...good.labs, 'Linux-Shell': lab } }, /^at \/labs: 'linux-shell' and 'Linux-Shell'/],
    [{ subjects: { ...good.subjects, OS101: { labs: ['Python'] } } }, /^at \/subjects: 'os101' and 'OS101'/],
    [{ classes: { ...good.classes, 'OS101-a': good.classes['os101-A'] } }, /^at \/classes: 'os101-A' and 'OS101-a'/],
    [withClass({ students: ['SV001', 'sv001'] }), /^at \/classes\/os101-A\/students: 'SV001' and 'sv001'/],
    [withClass({ students: ['SV001', 'SV001'] }), /^at \/classes\/os101-A\/students/],
  ]
  for (const [change, message] of cases) assert.match(refusal(change), message)
})

test('a misspelt key or a wrong value is refused with its place', () => {
  const cases: [object, RegExp][] = [
    [{ lab: {} }, /^at \/: unknown key 'lab'; did you mean 'labs'\?/],
    [withLab({ memory: 128 }), /^at \/labs\/linux-shell: unknown key 'memory'; did you mean 'memoryMb'\?/],
    [withLab({ memoryMb: '128' }), /^at \/labs\/linux-shell\/memoryMb/],
    [withLab({ memoryMb: 5 }), /^at \/labs\/linux-shell\/memoryMb/],
    [withLab({ cpus: 0 }), /^at \/labs\/linux-shell\/cpus/],
    [withLab({ user: 'root' }), /^at \/labs\/linux-shell\/user: .*such as 1000:1000/],
    [withLab({ user: '0:0' }), /^at \/labs\/linux-shell\/user/],
    [withLab({ user: '1000:0' }), /^at \/labs\/linux-shell\/user/],
    [withLab({ workspace: '/home' }), /^at \/labs\/linux-shell\/workspace: .*two levels deep/],
    [withLab({ workspace: '/home/../etc' }), /^at \/labs\/linux-shell\/workspace/],
    [withLab({ workspace: '/tmp/student' }), /^at \/labs\/linux-shell\/workspace/],
    [withLab({ workspace: 'home/student' }), /^at \/labs\/linux-shell\/workspace/],
    [withLab({ command: [] }), /^at \/labs\/linux-shell\/command/],
    [withLab({ command: 'sleep infinity' }), /^at \/labs\/linux-shell\/command/],
    [
      { labs: { 'linux-shell': { image: 'i', cpus: 1, memroyMb: 128 } } },
      /^at \/labs\/linux-shell: unknown key 'memroyMb'; did you mean 'memoryMb'\?/,
    ],
    [withLab({ privileged: true }), /^at \/labs\/linux-shell: unknown key 'privileged' \(line 1\)$/],
    [withLab({ binds: ['/:/host'] }), /^at \/labs\/linux-shell: unknown key 'binds' \(line 1\)$/],
    [
      withLab({ collect: { excludes: [] } }),
      /^at \/labs\/linux-shell\/collect: unknown key 'excludes'; did you mean 'exclude'\?/,
    ],
    [withLab({ env: { 'A=B': '1' } }), /^at \/labs\/linux-shell\/env/],
    [withLab({ env: { A: 1 } }), /^at \/labs\/linux-shell\/env/],
    [withClass({ students: ['a--b'] }), /^at \/classes\/os101-A\/students\/0/],
    [{ classes: { 'a/b': good.classes['os101-A'] } }, /^at \/classes/],
    [{ labs: undefined }, /^at \/: 'labs' is missing/],
  ]
  for (const [change, message] of cases) assert.match(refusal(change), message)
  for (const text of ['{"__proto__":{}}', '{"labs":{"l":{"__proto__":{"internet":true}}}}']) {
    assert.throws(() => parseCatalogue(text), /'__proto__'/)
  }
  assert.throws(() => parseCatalogue('{'), /it is not JSON/)
  assert.throws(() => parseCatalogue('[]'), CatalogueError)
  assert.throws(() => parseCatalogue('null'), CatalogueError)
})

/** The message that a file of this text is refused with. */
function refusalOf(text: string): string {
  try {
    parseCatalogue(text)
  } catch (error) {
    assert.ok(error instanceof CatalogueError, String(error))
    return error.message
  }
  assert.fail(`${text} is accepted`)
}

test('a name that stands twice is refused with its path and both lines, wherever it stands', () => {
  const [labs, subjects, classes] = [good.labs, good.subjects, good.classes].map((part) => JSON.stringify(part))
  const os101 = JSON.stringify(good.classes['os101-A'])
  const cases: [string, string][] = [
    [`{"labs":${labs},"subjects":${subjects},"classes":${classes},\n"classes":{}}`, '/classes'],
    [`{"labs":{"l":${JSON.stringify(lab)},\n"l":{}},"subjects":{},"classes":{}}`, '/labs/l'],
    [`{"labs":${labs},"subjects":{"os101":{},\n"os101":{}},"classes":${classes}}`, '/subjects/os101'],
    [`{"labs":${labs},"subjects":${subjects},"classes":{"os101-A":${os101},\n"os101-A":${os101}}}`, '/classes/os101-A'],
    [`{"classes":{"a":{"students":["SV001"],\n"students":[]}}}`, '/classes/a/students'],
    [`{"labs":{"l":{"image":"i",\n"im\\u0061ge":"j"}}}`, '/labs/l/image'],
    [`{"labs":{"l":{"env":{"TOKEN":"hidden",\n"TOKEN":"hidden"}}}}`, '/labs/l/env/TOKEN'],
    [`{"labs":{"l":{"collect":{"maxFiles":1,\n"maxFiles":2}}}}`, '/labs/l/collect/maxFiles'],
  ]
  for (const [text, path] of cases) {
    const words = refusalOf(text)
    const name = path.split('/').at(-1)
    assert.equal(words, `at ${path}: the name '${name}' stands twice, first in line 1: keep one of them (line 2)`)
  }
})

test('what is wrong is told in words: no regular expression, no name of a schema library', () => {
  const cases: [object, string][] = [
    [
      withLab({ runtime: 'runc' }),
      "at /labs/linux-shell/runtime: it must be one of 'runsc', 'sysbox-runc'; it is 'runc'",
    ],
    [withLab({ port: 0 }), 'at /labs/linux-shell/port: it must be a whole number from 1 to 65535; it is 0'],
    [withLab({ cpus: 1000 }), 'at /labs/linux-shell/cpus: it must be a number from 0.01 to 256; it is 1000'],
    [withLab({ internet: 'yes' }), "at /labs/linux-shell/internet: it must be true or false; it is 'yes'"],
    [
      withLab({ image: '' }),
      "at /labs/linux-shell/image: it must be a text in quotes from 1 to 512 characters; it is ''",
    ],
    [
      withLab({ command: [] }),
      'at /labs/linux-shell/command: it must be a list in [ ] from 1 to 64 items; it is a list of 0',
    ],
    [
      withLab({ command: 'sh' }),
      "at /labs/linux-shell/command: it must be a list in [ ] from 1 to 64 items; it is 'sh'",
    ],
    [withLab({ collect: 1 }), 'at /labs/linux-shell/collect: it must be an object in { }; it is 1'],
    [
      withLab({ capabilities: ['KILL', 'KILL'] }),
      'at /labs/linux-shell/capabilities: something stands twice in the list',
    ],
    [
      withLab({ env: { A: 's'.repeat(9000) } }),
      'at /labs/linux-shell/env/A: it must be a text in quotes, at most 8192 characters; it is a text of 9000 characters',
    ],
    [
      withLab({ env: { '1-A': '1' } }),
      "at /labs/linux-shell/env: '1-A' cannot be a name here: it has letters, digits and '_', and begins with no digit",
    ],
    [
      { classes: { 'a/b': good.classes['os101-A'] } },
      "at /classes: 'a/b' cannot be a name here: an id is 1 to 30 letters, digits and single hyphens inside",
    ],
    [{ labs: [] }, 'at /labs: it must be an object in { }; it is a list of 0'],
    [
      withClass({ students: 'SV001' }),
      "at /classes/os101-A/students: it must be a list in [ ], at most 1000 items; it is 'SV001'",
    ],
  ]
  for (const [change, words] of cases) assert.equal(refusal(change), `${words} (line 1)`)
  assert.equal(refusalOf('[]'), 'at /: it must be an object in { }; it is a list of 0 (line 1)')
  assert.equal(refusalOf(' \n'), 'it is empty')
  assert.equal(
    refusalOf('{"labs":1e999,"subjects":{},"classes":{}}'),
    'at /labs: it must be an object in { }; it is Infinity (line 1)',
  )
})

test('a name or a nesting without end makes no message without end', () => {
  const long = 'k'.repeat(1_000_000)
  for (const text of [`{"${long}":1}`, `{"${long}":1,"${long}":1}`, `{"labs":{"${long}":{}}}`, '['.repeat(1_000_000)]) {
    const words = refusalOf(text)
    assert.ok(words.length <= 600, words)
    assert.match(words, /\(line 1\)$/)
  }
})

test('a secret in the environment of a lab is in no message', () => {
  for (const env of [
    { TOKEN: ['hidden'] },
    { TOKEN: `hidden${'x'.repeat(8192)}` },
    { 'A B': 'hidden' },
    'hidden'.repeat(20),
  ]) {
    assert.doesNotMatch(refusal(withLab({ env })), /hidden/)
  }
})

test('what cannot be seen in a message is written out', () => {
  assert.match(refusal({ labs: { ...good.labs, 'py\u200bthon': lab } }), /'py\\u\{200b\}thon' cannot be a name/)
  assert.match(refusal({ 'la\u202ebs': {} }), /unknown key 'la\\u\{202e\}bs'; did you mean 'labs'/)
  assert.match(refusalOf(`\ufeff\ufeff${JSON.stringify(good)}`), /a value is expected, not '\\u\{feff\}'/)
  assert.equal(refusal({ 'a\nb': {} }).split('\n').length, 1)
})

/** The code of the Problem that `call` throws. */
function problemCode(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof Problem, String(error))
    return error.code
  }
  assert.fail('it is accepted')
}

test('look-ups know no case and answer in the spelling of the file', () => {
  const catalogue = parse()
  assert.ok(catalogue.hasClass('OS101-a'))
  assert.ok(!catalogue.hasClass('os101'))
  const os101 = catalogue.findClass('OS101-a')
  assert.equal(os101.classId, 'os101-A')
  assert.deepEqual(os101.students, ['SV001', 'SV002'])
  assert.equal(catalogue.findLab(os101).name, 'linux-shell')
  assert.equal(catalogue.findLab(catalogue.findClass('CS102-A'), 'PYTHON').name, 'Python')
})

test('a class, a lab or a permission that is not there is a problem of its own', () => {
  const catalogue = parse()
  const os101 = catalogue.findClass('os101-A')
  assert.equal(
    problemCode(() => catalogue.findClass('gone')),
    'unknown-class',
  )
  assert.equal(
    problemCode(() => catalogue.findClass('constructor')),
    'unknown-class',
  )
  assert.equal(
    problemCode(() => catalogue.findLab(os101, 'gone')),
    'unknown-lab',
  )
  assert.equal(
    problemCode(() => catalogue.findLab(os101, 'Python')),
    'lab-not-allowed',
  )
})

async function catalogueFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'catalogue.json')
}

/** As an editor that writes beside and renames: a new inode, so that no two edits look alike. */
async function save(path: string, content: object | string | Buffer): Promise<void> {
  const isText = typeof content === 'string' || Buffer.isBuffer(content)
  await writeFile(`${path}.new`, isText ? content : JSON.stringify(content))
  await rename(`${path}.new`, path)
}

test('a missing or broken file at start-up is an error that names it', async (t) => {
  const path = await catalogueFile(t)
  await assert.rejects(openCatalogue(path, assert.fail), (error: Error) => {
    assert.ok(error instanceof CatalogueError)
    return error.message.includes(path)
  })
  await save(path, '{')
  await assert.rejects(openCatalogue(path, assert.fail), CatalogueError)
})

test('a byte order mark is read over, and another encoding is named', async (t) => {
  const path = await catalogueFile(t)
  const text = JSON.stringify(good)
  await save(path, `\ufeff${text}`)
  assert.ok((await openCatalogue(path, assert.fail)).current().hasClass('os101-A'))
  const wide = Buffer.from(`\ufeff${text}`, 'utf16le')
  const cases: [Buffer, RegExp][] = [
    [wide, /saved as UTF-16 or UTF-32: save it as UTF-8$/],
    [Buffer.from(wide).swap16(), /saved as UTF-16/],
    [wide.subarray(2), /saved as UTF-16/],
    [Buffer.from(wide.subarray(2)).swap16(), /saved as UTF-16/],
    [Buffer.concat([Buffer.from('{\n"é": "'), Buffer.from('é', 'latin1'), Buffer.from('"}')]), /not UTF-8 in line 2/],
    [Buffer.alloc(0), /it is empty/],
    [Buffer.from('\ufeff'), /it is empty/],
  ]
  for (const [bytes, words] of cases) {
    await save(path, bytes)
    await assert.rejects(openCatalogue(path, assert.fail), (error: Error) => {
      assert.ok(error instanceof CatalogueError)
      assert.match(error.message, words)
      return error.message.startsWith(`CATALOGUE ${path} cannot be used: `)
    })
  }
})

test('an edit comes into force, and only an edit does', async (t) => {
  const path = await catalogueFile(t)
  await save(path, good)
  const watch = await openCatalogue(path, assert.fail)
  assert.equal(await watch.refresh(), false)
  assert.ok(!watch.current().hasClass('new'))

  await save(path, { ...good, classes: { new: good.classes['os101-A'] } })
  assert.ok(!watch.current().hasClass('new'), 'nothing changes between two refreshes')
  assert.equal(await watch.refresh(), true)
  assert.ok(watch.current().hasClass('new'))
  assert.equal(await watch.refresh(), false)
})

test('a slow reading of an older edit does not put it in force over a newer one', async (t) => {
  const path = await catalogueFile(t)
  await save(path, good)
  const watch = await openCatalogue(path, assert.fail)
  await rm(path)
  execFileSync('mkfifo', [path])
  const slow = watch.refresh()
  // A pipe is opened once it is read from: the reading of the older edit has begun.
  const older = await open(path, 'w')
  await save(path, { ...good, classes: { newer: good.classes['os101-A'] } })
  const newer = watch.refresh()
  await older.writeFile(JSON.stringify(good) + ' '.repeat(8 * 1024 * 1024))
  await older.close()
  await Promise.all([slow, newer])
  assert.deepEqual(
    watch.current().classes.map(({ classId }) => classId),
    ['newer'],
  )
  assert.equal(await watch.refresh(), false)
})

test('that an edit is not in force is told to all, whatever the reason is, without a word of the file', async (t) => {
  const path = await catalogueFile(t)
  await save(path, good)
  const watch = await openCatalogue(path, () => {})
  assert.equal(watch.brokenEdit(), undefined)
  for (const edit of ['{ "labs": topsecret', withClass({ subject: 'gone' }), undefined]) {
    if (edit === undefined) await rm(path)
    else await save(path, typeof edit === 'string' ? edit : { ...good, ...edit })
    await watch.refresh()
    assert.equal(watch.brokenEdit(), 'The newest edit is not in force. The log has the reason.')
  }
})

test('a broken or removed file keeps the last good catalogue, is reported once, and heals', async (t) => {
  const path = await catalogueFile(t)
  await save(path, good)
  const reports: string[] = []
  const watch = await openCatalogue(path, (reason) => reports.push(reason))

  await save(path, '{ "labs": ')
  assert.equal(await watch.refresh(), false)
  assert.equal(await watch.refresh(), false)
  assert.ok(watch.current().hasClass('os101-a'))
  assert.equal(reports.length, 1)
  assert.ok(reports[0]?.startsWith(`CATALOGUE ${path} cannot be used: it is not JSON: `), reports[0])

  await rm(path)
  assert.equal(await watch.refresh(), false)
  assert.equal(await watch.refresh(), false)
  assert.ok(watch.current().hasClass('os101-a'))
  assert.equal(reports.length, 2)
  assert.match(reports[1] ?? '', /cannot be used: ENOENT/)

  await save(path, good)
  assert.equal(await watch.refresh(), true)
  assert.equal(watch.brokenEdit(), undefined)
})

test('the quota of a subject has only the limits that the file has; an unknown subject has none', () => {
  const quota = { students: 120, cpus: 0.5 }
  const subjects = { ...good.subjects, os101: { labs: ['Python', 'linux-shell'], quota } }
  const catalogue = parseCatalogue(JSON.stringify({ ...good, subjects }))
  assert.deepEqual(catalogue.quotaOf('OS101'), quota)
  assert.deepEqual(catalogue.quotaOf('gone'), {})
})

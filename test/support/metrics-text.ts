// Reads the Prometheus text format 0.0.4 strictly: whatever a scraper would refuse fails the test.

import assert from 'node:assert/strict'

/** `name{label="value",...}` as it stands -> its value. */
export type Samples = ReadonlyMap<string, number>

const head = /^# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)$/
const sample = /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (\S+)$/

export function readMetrics(text: string): Samples {
  assert.ok(text.endsWith('\n'))
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  let [described, current] = ['', '']
  for (const line of text.slice(0, -1).split('\n')) {
    const [, word, name = '', rest = ''] = head.exec(line) ?? []
    if (word === 'HELP') described = name
    if (word === 'TYPE') {
      assert.equal(name, described, 'each type follows its help')
      assert.ok(!types.has(name), `${name} comes twice`)
      assert.match(rest, /^(counter|gauge|histogram)$/)
      types.set(name, rest)
      current = name
    }
    if (word !== undefined) continue
    const [, of = '', labels = '', value = ''] = sample.exec(line) ?? assert.fail(`no sample: ${line}`)
    const ofHistogram = types.get(current) === 'histogram' ? of.replace(/_(bucket|sum|count)$/, '') : of
    assert.equal(ofHistogram, current, 'samples stand below their own head')
    if (types.get(current) === 'counter') assert.match(of, /_total$/)
    assert.ok(Number.isFinite(Number(value)) && value !== '', line)
    assert.ok(!samples.has(of + labels), `${line} comes twice`)
    samples.set(of + labels, Number(value))
  }
  return samples
}

// The lab's globs on raw path bytes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileExclude } from '../../../src/collection/exclude.ts'

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

function check(glob: string, matching: readonly string[], others: readonly string[]): void {
  const exclude = compileExclude([glob])
  for (const path of matching) assert.equal(exclude(latin1(path)), glob, `${glob} leaves out ${path}`)
  for (const path of others) assert.equal(exclude(latin1(path)), undefined, `${glob} keeps ${path}`)
}

test('a star stays within a name', () => {
  check('*.o', ['.o', 'a.o', 'a b.o', 'a\nb.o'], ['a/b.o', 'a.oo', 'a.O', 'ao'])
  check('build/*', ['build/a', 'build/'], ['build', 'build/a/b', 'x/build/a'])
  check('a*b*c', ['abc', 'a1b2c', 'abbcc'], ['ab/c', 'ac'])
})

test('a question mark is one byte of a name, and never a slash', () => {
  check('a?c', ['abc', 'a?c', 'a.c'], ['ac', 'abbc', 'a/c', 'aéc'])
  check('a??c', ['aéc'], [])
})

test('two stars cross slashes: in front, behind, between and alone', () => {
  const modules = ['node_modules/x', 'a/node_modules/x', 'a/b/node_modules/x/y']
  check('**/node_modules/**', modules, ['node_modules', 'xnode_modules/x', 'a/node_modules', 'node_modules2/x'])
  check('**/*.pyc', ['a.pyc', 'a/b.pyc', 'a/b/c.pyc'], ['a.pyc/b'])
  check('a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['az', 'a/bz', 'b/a/z'])
  check('cache/**', ['cache/a', 'cache/a/b'], ['cache', 'x/cache/a'])
  check('**', ['', 'a', 'a/b\n'], [])
  check('a**b', ['ab', 'axb', 'a/x/b'], ['a/x/bc'])
})

test('characters that mean something to a regular expression mean themselves', () => {
  for (const name of ['a.b', 'a+b', '(a)', '[ab]', '{a,b}', 'a|b', '^a$', 'a\\d', '$&', '.']) {
    check(name, [name], ['a', 'b', 'ab', 'aab', 'axb', 'a1', 'x'])
  }
})

test('names that are not UTF-8 match byte by byte', () => {
  const exclude = compileExclude(['bad*'])
  assert.equal(exclude('bad\xff'), 'bad*')
  assert.equal(exclude('b\xe4d'), undefined)
  check('é*', ['é', 'éa'], ['e', 'è'])
})

test('the answer is the first rule that matches; no rules leave nothing out', () => {
  const exclude = compileExclude(['*.a', 'x*', '*'])
  assert.equal(exclude('x.a'), '*.a')
  assert.equal(exclude('x.b'), 'x*')
  assert.equal(exclude('y'), '*')
  assert.equal(compileExclude([])('anything'), undefined)
})

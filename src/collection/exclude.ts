// The lab's exclude globs, matched against raw path bytes: `*` and `?` stay within a name, `**` crosses '/'.
// Paths are handled as one character a byte (latin1), so that names which are not UTF-8 match and differ as they do on disk.

/** Answers with the first glob that matches a path (relative, one character a byte), or undefined. */
export function compileExclude(globs: readonly string[]): (path: string) => string | undefined {
  const rules = globs.map((glob) => ({ glob, shape: globToRegExp(Buffer.from(glob, 'utf8').toString('latin1')) }))
  return (path) => rules.find(({ shape }) => shape.test(path))?.glob
}

function globToRegExp(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\/\*\*$|\*\*|\*|\?|[^*?/]+|\//g, (part) => {
    if (part === '**/') return '(?:[^]*/)?'
    if (part === '/**') return '/[^]+'
    if (part === '**') return '[^]*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    return part.replace(/[\\^$.|+()[\]{}]/g, '\\$&')
  })
  return new RegExp(`^${source}$`)
}

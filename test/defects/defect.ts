// The form of a seeded defect: a bug that is known, and the tests that must notice it. scripts/seeded-defects.ts plants them.

export interface Defect {
  /** What the software would do wrong. */
  readonly name: string
  readonly file: string
  /** Each `find` stands exactly once in the file. What replaces it need not pass the type checker. */
  readonly edits: readonly { readonly find: string; readonly replace: string }[]
  /** Unit test files; one of them must fail. The likeliest comes first. */
  readonly tests: readonly string[]
}

// Which container runtimes were proven, each as it was set then.

/** A runtime's program can become another one under the same settings, which no engine tells. */
const lastsMs = 3_600_000

export class Proofs {
  /** By what the engine says of the runtime: the last proof that it had, which may be under way. */
  readonly #proofs = new Map<string, { readonly proof: Promise<void>; readonly begun: number }>()

  /** Proves it by `prove`, unless that is done or under way. Whoever waited in vain for another's proof tries it as well. */
  async has(key: string, prove: () => Promise<void>): Promise<void> {
    const known = this.#proofs.get(key)
    if (known && performance.now() - known.begun < lastsMs && (await succeeds(known.proof))) return
    const proof = prove()
    this.#proofs.set(key, { proof, begun: performance.now() })
    await proof
  }
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )

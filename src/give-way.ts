// Work on many small things that never waits: between two of them it asks here whether others are due.
// The time is that of the whole process, so that ten collections at once hold the others up no longer than one.

/** So long the event loop may be held; a request waits at most for this and for the one thing that is being done. */
const heldMs = 5

let turnBegan = performance.now()
let waiting: (() => void)[] = []

/** Resolves at once, or, where the event loop has been held for long, after everything else has had its turn. */
export function giveWay(): Promise<void> | undefined {
  if (performance.now() - turnBegan < heldMs) return undefined
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(beginTurn)
  })
}

function beginTurn(): void {
  turnBegan = performance.now()
  const next = waiting
  waiting = []
  for (const resume of next) resume()
}

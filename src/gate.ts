// A gate lets a bounded number of tasks in at once; the others wait in the order they came.
// A gate of groups lets one task of each group in beyond its bound, so that tasks which hang stand in the way
// of their own group alone.

export type Gate = <T>(task: () => Promise<T>) => Promise<T>

/** For tasks that belong to groups, such as the sandboxes of classes. */
export type GroupGate = <T>(group: string, task: () => Promise<T>) => Promise<T>

export function createGate(places: number): Gate {
  const gate = createGroupGate(places)
  return (task) => gate('', task)
}

/** At most `places` tasks at once; where all are taken, one of each group that has none inside. */
export function createGroupGate(places: number): GroupGate {
  const inside = new Map<string, number>()
  const waiting: { readonly group: string; enter(): void }[] = []
  let taken = 0

  function count(group: string, step: 1 | -1): void {
    taken += step
    const left = (inside.get(group) ?? 0) + step
    if (left === 0) inside.delete(group)
    else inside.set(group, left)
  }

  /** The first that may; undefined: none. */
  function takeNext() {
    const next = waiting.findIndex(({ group }) => taken < places || !inside.has(group))
    return next === -1 ? undefined : waiting.splice(next, 1)[0]
  }

  function admit(): void {
    for (let next = takeNext(); next !== undefined; next = takeNext()) {
      count(next.group, 1)
      next.enter()
    }
  }

  return async (group, task) => {
    await new Promise<void>((enter) => {
      waiting.push({ group, enter })
      admit()
    })
    try {
      return await task()
    } finally {
      count(group, -1)
      admit()
    }
  }
}

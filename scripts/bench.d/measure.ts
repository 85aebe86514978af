// Runs contestants in turn, round by round, so that a noisy moment meets them all alike; prints medians and their ratios.

export interface Contestant {
  readonly name: string
  /** One run. Resolves with what is compared, in milliseconds, and what else is to be shown of it. */
  run(round: number): Promise<Sample>
}

export interface Sample {
  readonly ms: number
  /** The most memory that the process had, in bytes. */
  readonly peakBytes?: number
}

const mebibyte = 1024 ** 2

/** Each round begins with another contestant. The ratios are to the first one. */
export async function compare(title: string, rounds: number, contestants: readonly Contestant[]): Promise<void> {
  const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const contestant = contestants[(round + turn) % contestants.length]
      if (contestant) samples.get(contestant.name)?.push(await contestant.run(round))
    }
  }
  const rows = [...samples].map(([name, each]) => ({ name, ...summary(each) }))
  const base = rows[0]?.median ?? Number.NaN
  print(`\n${title}; ${rounds} rounds in turn`)
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, median: middle, least, most, peak } of rows) {
    const ratio = `${(middle / base).toFixed(2)} x`
    const memory = peak === undefined ? '' : `  peak ${(peak / mebibyte).toFixed(0)} MiB`
    print(
      `  ${name.padEnd(width)}  ${shown(middle)}  (${shown(least)} to ${shown(most)})  ${ratio.padStart(7)}${memory}`,
    )
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

function summary(samples: readonly Sample[]) {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b)
  const peaks = samples.flatMap(({ peakBytes }) => peakBytes ?? [])
  return {
    median: median(sorted),
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    peak: peaks.length > 0 ? Math.max(...peaks) : undefined,
  }
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN

const shown = (ms: number): string => (ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(2)} ms`).padStart(9)

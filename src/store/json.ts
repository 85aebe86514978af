// JSON that another version, or a damaged store, may have written.

/** Undefined for what is no JSON, which no schema accepts. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

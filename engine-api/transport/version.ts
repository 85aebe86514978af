// Which API version to speak: the newest that both sides know, asked once and kept until a call gives reason to doubt it.
// No fixed version reaches all engines. Docker 29.0 refuses below 1.44, Docker 20.10 and Podman 4 above 1.41.

import { EngineError } from '../errors.ts'

const OLDEST_MINOR = 41
/** The newest API document this client was checked against. */
const NEWEST_MINOR = 51

/** The version to speak with an engine whose newest is `engineVersion`. Throws EngineError `version-unsupported`. */
export function chooseVersion(engineVersion: string): string {
  const minor = /^1\.(\d+)$/.exec(engineVersion)?.[1]
  if (minor === undefined || Number(minor) < OLDEST_MINOR) {
    throw new EngineError(
      `the engine speaks API ${engineVersion}, this client 1.${OLDEST_MINOR} to 1.${NEWEST_MINOR}: ` +
        'upgrade the engine to Docker 20.10, Podman 4 or newer',
      { code: 'version-unsupported', endpoint: 'version-negotiation', retry: 'no' },
    )
  }
  return `1.${Math.min(Number(minor), NEWEST_MINOR)}`
}

export interface AgreedVersion {
  /** Asks at most once for all who wait at the same time; a failure is told to them and then forgotten. */
  get(): Promise<string>
  /** Makes the next `get` ask again: another engine may stand behind the socket by then. */
  forget(): void
}

export function agreeOnVersion(ask: () => Promise<string>): AgreedVersion {
  let agreed: Promise<string> | undefined
  return {
    get() {
      if (agreed !== undefined) return agreed
      const asking = ask().catch((error: unknown) => {
        if (agreed === asking) agreed = undefined
        throw error
      })
      agreed = asking
      return asking
    },
    forget() {
      agreed = undefined
    },
  }
}

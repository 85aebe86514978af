// How one variable of the environment is read. A wrong value stops the start with the variable's name and what it should look like.

import type { SettingName } from '../settings.ts'
import { visible } from '../spelling.ts'

export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(visible(message), options)
  }
}

/** The value of a variable; undefined where it is not set. */
export type Get = (name: SettingName) => string | undefined

export function integer(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}; it is '${text}'.`)
  }
  return value
}

export function pattern(name: string, text: string, shape: RegExp, words: string): string {
  if (!shape.test(text)) throw new ConfigError(`${name} must be ${words}; it is '${text}'.`)
  return text
}

export function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === text)
  if (found === undefined) throw new ConfigError(`${name} must be one of ${allowed.join(', ')}; it is '${text}'.`)
  return found
}

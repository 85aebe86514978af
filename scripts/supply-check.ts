// What is wrong with the packages that the service is made of: versions that are not exact, archives that nothing pins, licences
// that nobody has agreed to, and advisories. Reads what it is given; supply.ts fetches it.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'

/** Permissive ones: to use, change and pass on, with no more than their text and the authors' names. */
const allowedLicences: ReadonlySet<string> = new Set([
  ...['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0', 'Unlicense', 'CC0-1.0'],
])

const Versions = Type.Record(Type.String(), Type.String())
export const Manifest = Type.Object({ dependencies: Versions, devDependencies: Versions })
export type Manifest = Static<typeof Manifest>

export const LockFile = Type.Object({
  lockfileVersion: Type.Literal(3),
  packages: Type.Record(
    Type.String(),
    Type.Object({
      version: Type.Optional(Type.String()),
      resolved: Type.Optional(Type.String()),
      integrity: Type.Optional(Type.String()),
      license: Type.Optional(Type.String()),
      dev: Type.Optional(Type.Boolean()),
    }),
  ),
})
export type LockFile = Static<typeof LockFile>

/** Versions in package.json that are a range: the next install elsewhere would be another one. */
export function looseVersions({ dependencies, devDependencies }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    .map(([name, version]) => `package.json: ${name} is '${version}', which is not one exact version`)
}

/** Packages of the lock file that are of no registry (npm may leave the address of its own out), or whose archive could be another one tomorrow. */
export function unpinnedPackages(lock: LockFile): string[] {
  return packagesOf(lock).flatMap(([path, { resolved, integrity = '' }]) => [
    ...(resolved === undefined || resolved.startsWith('https://registry.npmjs.org/')
      ? []
      : [`${path} is not from the registry: '${resolved}'`]),
    ...(/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity) ? [] : [`${path} has no SHA-512 in package-lock.json`]),
  ])
}

/** Paths of the packages that run with the service, so not those of development. */
export const runtimePaths = (lock: LockFile): string[] =>
  packagesOf(lock)
    .filter(([, { dev }]) => dev !== true)
    .map(([path]) => path)

/**
 * `installed`: the `license` of each package that is there; of one for another platform the lock file's own word counts.
 * Answers with the licences that are not allowed, and those that a package does not name.
 */
export function refusedLicences(lock: LockFile, installed: ReadonlyMap<string, unknown>): string[] {
  return runtimePaths(lock).flatMap((path) => {
    const licence = installed.get(path) ?? lock.packages[path]?.license
    return isAllowed(licence)
      ? []
      : [`${path} has the licence ${JSON.stringify(licence) ?? 'none'}, which is not on the list`]
  })
}

/** Of an SPDX expression without brackets inside: one of its alternatives must be allowed whole. */
function isAllowed(licence: unknown): boolean {
  if (typeof licence !== 'string') return false
  const alternatives = licence.replace(/^\((.*)\)$/, '$1').split(' OR ')
  return alternatives.some((each) => each.split(' AND ').every((name) => allowedLicences.has(name)))
}

const Audit = TypeCompiler.Compile(
  Type.Object({
    auditReportVersion: Type.Literal(2),
    vulnerabilities: Type.Record(Type.String(), Type.Object({ severity: Type.String(), range: Type.String() })),
  }),
)

/** What `npm audit --json` printed -> its advisories; undefined: the registry gave none, and nothing is known. */
export function advisories(printed: string): { grave: string[]; other: string[] } | undefined {
  const report = parse(printed)
  if (!Audit.Check(report)) return undefined
  const all = Object.entries(report.vulnerabilities)
  const isGrave = (severity: string) => severity === 'high' || severity === 'critical'
  const words = ([name, { severity, range }]: (typeof all)[number]) => `${name} ${range}: an advisory, ${severity}`
  return {
    grave: all.filter(([, { severity }]) => isGrave(severity)).map(words),
    other: all.filter(([, { severity }]) => !isGrave(severity)).map(words),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The first entry is the project itself. */
const packagesOf = ({ packages }: LockFile) => Object.entries(packages).filter(([path]) => path !== '')

// Catalogues for tests: one small lab, and classes of so many students.

export type CatalogueFile = {
  labs: Record<string, object>
  subjects: Record<string, { labs: string[]; quota?: object }>
  classes: Record<string, { subject: string; lab: string; students: string[] }>
}

/** The image that `scripts/lab-image.ts` makes where no registry answers. */
export const image = 'busybox:1.36'

const shellLab = {
  image,
  command: ['sleep', 'infinity'],
  cpus: 0.25,
  memoryMb: 64,
  pids: 64,
  tmpMb: 8,
  stopSeconds: 1,
}

/** `{ 'class-id': ['student', ...] }`, all in lab `shell`; `lab` adds to that lab or changes it. */
export function catalogueOf(classes: Readonly<Record<string, readonly string[]>>, lab: object = {}): CatalogueFile {
  const entries = Object.entries(classes).map(([classId, students]) => [
    classId,
    { subject: 'subject', lab: 'shell', students: [...students] },
  ])
  return {
    labs: { shell: { ...shellLab, ...lab } },
    subjects: { subject: { labs: ['shell'] } },
    classes: Object.fromEntries(entries),
  }
}

/** `s01`, `s02` ... */
export const studentsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `s${String(index + 1).padStart(2, '0')}`)

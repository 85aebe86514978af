// The Content-Disposition header of a download.

/** A Content-Disposition (RFC 6266) by which a browser saves the file under `name`, whatever bytes that has, and never shows it. */
export function attachment(name: string): string {
  const wellFormed = Buffer.from(name).toString()
  const plain = wellFormed.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(wellFormed).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

// How an S3 server writes a listing down. All differ: what a listing says of itself decides, never what was asked for.

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescaped = (xml: string): string =>
  xml.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (_, decimal?: string, hex?: string, entity = '') =>
    decimal === undefined && hex === undefined
      ? (entities[entity] ?? '')
      : String.fromCodePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)),
  )

/** The text of the first element of this name. */
export function textOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text === undefined ? undefined : unescaped(text)
}

/** What a page of a listing holds. Where keys are encoded, AWS and MinIO write a blank as a plus sign, radosgw as %20. */
export function objectsOf(page: string): { key: string; size: number }[] {
  const isEncoded = textOf(page, 'EncodingType') === 'url'
  const contents = page.matchAll(/<Contents>.*?<\/Contents>/gs)
  return [...contents].map(([object]) => {
    const written = textOf(object, 'Key') ?? ''
    return {
      key: isEncoded ? decodeURIComponent(written.replaceAll('+', ' ')) : written,
      size: Number(textOf(object, 'Size')),
    }
  })
}

// A strict reader of the little XML that S3 servers answer with: elements, text and references. What else XML has (a doctype, CDATA, comments)
// no S3 server sends, and a page of a proxy is told by it.

export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  /** Its own text, with all references replaced. */
  readonly text: string
}

interface OpenElement {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

const declaration = /^\uFEFF?(?:<\?xml\s[^<>]*\?>)?/
/** A tag, with what is in it, or text. */
const token = /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y

/** The root element. Throws an Error for all that is not one well-formed document of this kind. */
export function readXml(text: string): XmlElement {
  const top: OpenElement = { name: '', children: [], text: '' }
  const open: OpenElement[] = [top]
  token.lastIndex = declaration.exec(text)?.[0].length ?? 0
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const [, ends, name, attributes, isEmpty, characters] = token.exec(text) ?? []
    const current = open.at(-1)
    if (current === undefined) throw new Error(`the XML goes on after its end, at character ${at}`)
    if (characters !== undefined) current.text += unescapeXml(characters)
    else if (name === undefined) throw new Error(`it is no XML of S3, from character ${at} on`)
    else if (ends === '') {
      const element: OpenElement = { name, children: [], text: '' }
      current.children.push(element)
      if (isEmpty === '') open.push(element)
    } else if (name !== current.name || attributes !== '' || isEmpty !== '' || current === top) {
      throw new Error(`</${name}> ends no element, at character ${at}`)
    } else open.pop()
  }
  const [root, ...others] = top.children
  if (open.length !== 1 || root === undefined || others.length > 0 || top.text.trim() !== '')
    throw new Error('it is no whole XML document')
  return root
}

/** The text of the one child that is so named; undefined where there is none. Throws an Error where there are several. */
export function childText(element: XmlElement, name: string): string | undefined {
  const [found, another] = element.children.filter((child) => child.name === name)
  if (another !== undefined) throw new Error(`<${element.name}> has <${name}> twice`)
  return found?.text
}

const named: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+|x[\dA-Fa-f]+);|(\w+);)?/g, (reference, number?: string, name?: string) => {
    const character = number === undefined ? named.get(name ?? '') : String.fromCodePoint(Number(`0${number}`))
    if (character === undefined) throw new Error(`${JSON.stringify(reference)} stands for no character`)
    return character
  })
}

// A hand-made S3 server of one bucket, in memory, for answers that a real server cannot be asked for. Each test replaces what it needs.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface HandMadeRequest {
  readonly method: string
  /** Below the bucket, decoded; '' for the bucket itself. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

export interface HandMadeAnswer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
  /** Breaks the connection after the body: with a Content-Length that promises more, a cut answer. */
  readonly thenBreak?: boolean
}

/** 'break' closes the connection without an answer, 'hang' keeps it open. */
export type Reaction = HandMadeAnswer | 'break' | 'hang'

export interface HandMadeS3 {
  readonly endpoint: string
  readonly requests: HandMadeRequest[]
  readonly objects: Map<string, Buffer>
  listEncoding: ListEncoding
  /** Of an upload that breaks off, the object is what had come. */
  keepsCutUploads: boolean
  /** The clock that answers show. */
  now: () => Date
  /** Answers instead of the plain server; undefined: the plain server does. */
  react: (request: HandMadeRequest) => Reaction | undefined
  /** Answers before the body was read; undefined: after it. */
  reactEarly: (request: Omit<HandMadeRequest, 'body'>) => Reaction | undefined
  /** As the plain server answers. */
  plain(request: HandMadeRequest): HandMadeAnswer
  openConnections(): number
}

export function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>hand-made</Message></Error>`
}

/**
 * How names stand in a list. `url`: as MinIO and AWS do when asked for encoding-type=url, a blank as `+`. `entities`: as VersityGW does, which
 * hears no encoding-type, answers an empty EncodingType and writes names as XML does.
 */
export type ListEncoding = 'url' | 'entities'

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&#34;'],
  ["'", '&#39;'],
])

const encodings: Readonly<Record<ListEncoding, (name: string) => string>> = {
  url: (name) =>
    encodeURIComponent(name)
      .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/')
      .replaceAll('%20', '+'),
  entities: (name) => name.replace(/[&<>"']/g, (mark) => entities.get(mark) ?? mark),
}

/** All in one page. */
function listXml(objects: ReadonlyMap<string, Buffer>, query: URLSearchParams, encoding: ListEncoding): string {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const encode = encodings[encoding]
  const found = [...objects].filter(([key]) => key.startsWith(prefix))
  const folderOf = (key: string): string => {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    return end === -1 ? '' : key.slice(0, end + 1)
  }
  const contents = found.map(([key, bytes]) =>
    folderOf(key) === ''
      ? `<Contents><Key>${encode(key)}</Key><Size>${bytes.length}</Size><ETag>${etagOf(bytes)}</ETag></Contents>`
      : '',
  )
  const folders = [...new Set(found.map(([key]) => folderOf(key)))].filter(Boolean)
  const prefixes = folders.map((folder) => `<CommonPrefixes><Prefix>${encode(folder)}</Prefix></CommonPrefixes>`)
  const listed = [...contents, ...prefixes].join('')
  const said = encoding === 'url' ? '<EncodingType>url</EncodingType>' : '<EncodingType></EncodingType>'
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${said}${listed}</ListBucketResult>`
}

/** With a certificate it speaks https. */
export async function startHandMadeS3(
  t: TestContext,
  certificate?: { readonly key: string; readonly cert: string },
): Promise<HandMadeS3> {
  const objects = new Map<string, Buffer>()
  const sockets = new Set<Socket>()

  const plain = ({ method, key, query, headers, body }: HandMadeRequest): HandMadeAnswer => {
    if (key === '' && query.has('list-type')) return { status: 200, body: listXml(objects, query, s3.listEncoding) }
    if (key === '' && query.has('versioning')) return { status: 200, body: '<VersioningConfiguration/>' }
    if (key === '') return { status: 200 }
    const object = objects.get(key)
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*' && object !== undefined)
        return { status: 412, body: errorXml('PreconditionFailed') }
      const md5 = headers['content-md5']
      if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64'))
        return { status: 400, body: errorXml('BadDigest') }
      objects.set(key, body)
      return { status: 200, headers: { etag: etagOf(body) } }
    }
    if (method === 'DELETE') {
      objects.delete(key)
      return { status: 204 }
    }
    if (object === undefined) return { status: 404, body: method === 'HEAD' ? '' : errorXml('NoSuchKey') }
    return { status: 200, headers: { etag: etagOf(object), 'content-length': String(object.length) }, body: object }
  }

  const options = { keepAliveTimeout: 600_000 }
  const server = certificate ? https.createServer({ ...options, ...certificate }) : http.createServer(options)
  const s3: HandMadeS3 = {
    endpoint: '',
    requests: [],
    objects,
    listEncoding: 'url',
    keepsCutUploads: false,
    now: () => new Date(),
    react: () => undefined,
    reactEarly: () => undefined,
    plain,
    openConnections: () => sockets.size,
  }
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('request', async (incoming, outgoing) => {
    const url = new URL(incoming.url ?? '', 'http://hand-made')
    const head = {
      method: incoming.method ?? '',
      key: decodeURIComponent(url.pathname.split('/').slice(2).join('/')),
      query: url.searchParams,
      headers: incoming.headers,
    }
    const early = s3.reactEarly(head)
    if (early !== undefined) return answer(early)
    const chunks: Buffer[] = []
    try {
      for await (const chunk of incoming) chunks.push(chunk)
    } catch {
      // The client broke off: nobody waits for an answer.
      if (s3.keepsCutUploads) objects.set(head.key, Buffer.concat(chunks))
      return
    }
    const request = { ...head, body: Buffer.concat(chunks) }
    s3.requests.push(request)
    answer(s3.react(request) ?? plain(request))

    function answer(reaction: Reaction) {
      if (reaction === 'hang') return
      if (reaction === 'break') {
        incoming.socket.destroy()
        return
      }
      outgoing.writeHead(reaction.status, { date: s3.now().toUTCString(), ...reaction.headers })
      if (reaction.thenBreak === true) outgoing.write(reaction.body ?? '', () => incoming.socket.destroy())
      else outgoing.end(incoming.method === 'HEAD' ? undefined : reaction.body)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return Object.assign(s3, { endpoint: `${certificate ? 'https' : 'http'}://127.0.0.1:${address.port}` })
}

export function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

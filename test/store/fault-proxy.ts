// An HTTP proxy in front of a real S3 server, for faults that the server itself cannot be asked for. It changes nothing that is signed:
// the Host header passes as it came.
import { once } from 'node:events'
import http from 'node:http'

export interface Seen {
  readonly method: string
  readonly path: string
  /** undefined while there is no answer. */
  status: number | undefined
}

/** What to do with a request: pass it on, never answer it, or break its connection after so many bytes of its body. */
export type Fault = 'pass' | 'hang' | { readonly breakAfterBytes: number }

export interface FaultProxy {
  readonly url: string
  /** Requests since the start, or since it was emptied. */
  readonly seen: Seen[]
  /** Asked for each request; passes all unless set. */
  fault: (method: string, path: string) => Fault
  /** Refuses connections and breaks those that there are. */
  goDown(): Promise<void>
  /** Listens again, on the same port. */
  comeBack(): Promise<void>
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const seen: Seen[] = []
  const server = http.createServer((incoming, outgoing) => {
    const method = incoming.method ?? ''
    const path = incoming.url ?? ''
    const entry: Seen = { method, path, status: undefined }
    seen.push(entry)
    const fault = proxy.fault(method, path)
    if (fault === 'hang') return
    const forwarded = http.request({ hostname, port, method, path, headers: incoming.headers }, (answer) => {
      entry.status = answer.statusCode
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => incoming.socket.destroy())
    incoming.on('error', () => forwarded.destroy())
    outgoing.on('close', () => forwarded.destroy())
    let bytes = 0
    if (fault !== 'pass') {
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > fault.breakAfterBytes) incoming.socket.destroy()
      })
    }
    incoming.pipe(forwarded)
  })

  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    fault: () => 'pass',
    async goDown() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    comeBack: () => listen(address.port),
  }
  return proxy
}

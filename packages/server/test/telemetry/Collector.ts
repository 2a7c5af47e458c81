/** A collector of traces (OTLP/HTTP JSON) on loopback, which keeps what it is given. */
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly traceState?: string
  readonly status: { readonly code: number }
  readonly attributes: { readonly [name: string]: unknown }
}

interface Wire extends Omit<Span, "attributes"> {
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly [kind: string]: unknown } }>
}

interface Body {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: Wire["attributes"] }
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Wire> }>
  }>
}

export interface Collector {
  readonly url: string
  readonly spans: ReadonlyArray<Span>
  /** Attributes of the resources that have spoken. */
  readonly resources: ReadonlyArray<Span["attributes"]>
  readonly headers: ReadonlyArray<IncomingMessage["headers"]>
  /** Every body, as it came. */
  readonly bodies: ReadonlyArray<string>
  /** Resolves once such a span has come. */
  readonly until: (fits: (span: Span) => boolean) => Promise<void>
  /** What it answers from now on; 0: nothing at all. */
  readonly answer: (status: number) => void
}

const plain = (attributes: Wire["attributes"]): Span["attributes"] =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

const read = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const chunk of request) text += String(chunk)
  return text
}

export const make = Effect.acquireRelease(
  Effect.promise(async () => {
    const spans: Array<Span> = []
    const resources: Array<Span["attributes"]> = []
    const headers: Array<IncomingMessage["headers"]> = []
    const bodies: Array<string> = []
    const waiting = new Set<() => void>()
    let status = 200
    const server = createServer(async (request, response) => {
      const text = await read(request)
      bodies.push(text)
      headers.push(request.headers)
      if (status === 200) {
        for (const { resource, scopeSpans } of (JSON.parse(text) as Body).resourceSpans) {
          resources.push(plain(resource.attributes))
          for (const scope of scopeSpans) {
            for (const span of scope.spans) spans.push({ ...span, attributes: plain(span.attributes) })
          }
        }
      }
      if (status === 0) return
      response.writeHead(status, { "content-type": "application/json" }).end("{}")
      for (const look of [...waiting]) look()
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const collector: Collector = {
      url: `http://127.0.0.1:${port}`,
      spans,
      resources,
      headers,
      bodies,
      until: (fits) =>
        new Promise((resolve) => {
          const look = () => {
            if (!spans.some(fits)) return
            waiting.delete(look)
            resolve()
          }
          waiting.add(look)
          look()
        }),
      answer: (next) => {
        status = next
      }
    }
    return { collector, server }
  }),
  ({ server }) =>
    Effect.promise(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
).pipe(Effect.map(({ collector }) => collector))

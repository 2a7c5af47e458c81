/** A receiver of webhooks on a real loopback socket: it answers as it is told to, and remembers what it was sent. */
import { once } from "node:events"
import type { IncomingHttpHeaders, ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Of the event, or of what else the body holds. */
  readonly type: string
}

/** Answers one delivery; the default is 204. */
export type Answering = (received: Received, response: ServerResponse, n: number) => void

export class Receiver {
  readonly all: Array<Received> = []
  answer: Answering = (_received, response) => void response.writeHead(204).end()
  readonly #server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8")
      const { event, type } = JSON.parse(body) as { readonly type?: string; readonly event?: string }
      const received = { path: request.url ?? "", headers: request.headers, body, type: type ?? event ?? "" }
      this.all.push(received)
      this.answer(received, response, this.all.length)
      for (const check of this.#waiting) check()
    })
    request.on("error", () => undefined)
  })
  readonly #waiting = new Set<() => void>()

  async open(): Promise<this> {
    this.#server.listen(0, "127.0.0.1")
    await once(this.#server, "listening")
    return this
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get url(): string {
    return `http://${this.host}/hook`
  }

  /** `webhook-id` of all that came, in order. */
  get ids(): ReadonlyArray<string> {
    return this.all.map(({ headers }) => String(headers["webhook-id"]))
  }

  /** Resolves once what has come is enough. */
  until(enough: (all: ReadonlyArray<Received>) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!enough(this.all)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export const isLast = ({ type }: Received): boolean => /^orchestration\.run\.(completed|failed|cancelled)$/.test(type)

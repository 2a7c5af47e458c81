/** A reader of an event stream that is a process of its own: `curl -N`, or `fetch` where there is no curl. */
import * as Sse from "effect/encoding/Sse"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"

const found = (): boolean => {
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

export const kind = found() ? "curl" : "fetch"

export interface Frame {
  readonly id: string | undefined
  readonly event: string
  readonly data: { readonly [key: string]: unknown }
}

export class Reader {
  readonly frames: Array<Frame> = []
  /** Resolves when nothing more comes. */
  readonly ended: Promise<void>
  readonly #waiting = new Set<() => void>()
  readonly #abort = new AbortController()
  #curl: ChildProcess | undefined
  #isOver = false

  constructor(url: string, headers: { readonly [name: string]: string }) {
    const asked = { accept: "text/event-stream", ...headers }
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event") this.frames.push({ ...event, data: JSON.parse(event.data) })
    })
    const feed = (text: string) => {
      parser.feed(text)
      this.#look()
    }
    const over = () => {
      this.#isOver = true
      this.#look()
    }
    this.ended = (kind === "curl" ? this.#curled(url, asked, feed) : this.#fetched(url, asked, feed)).then(over, over)
  }

  #look(): void {
    for (const look of [...this.#waiting]) look()
  }

  #curled(url: string, headers: { readonly [name: string]: string }, feed: (text: string) => void): Promise<void> {
    const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`])
    const curl = spawn("curl", ["-sNf", ...lines, url], { stdio: ["ignore", "pipe", "ignore"] })
    this.#curl = curl
    curl.stdout.setEncoding("utf8").on("data", feed)
    return new Promise((resolve) => curl.on("close", () => resolve()))
  }

  async #fetched(url: string, headers: { readonly [name: string]: string }, feed: (text: string) => void) {
    const response = await fetch(url, { headers, signal: this.#abort.signal })
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) feed(text)
  }

  /** The first frame of this type; fails when the stream ends without one. */
  until(event: string): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const frame = this.frames.find((one) => one.event === event)
        if (frame === undefined && !this.#isOver) return
        this.#waiting.delete(look)
        if (frame === undefined) reject(new Error(`no ${event} in ${JSON.stringify(this.frames)}`))
        else resolve(frame)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** As if its machine had died. */
  async cut(): Promise<void> {
    this.#curl?.kill("SIGKILL")
    this.#abort.abort()
    await this.ended
  }

  /** Sequences of the events that came, in their order. */
  get sequences(): ReadonlyArray<number> {
    return this.frames.flatMap(({ data }) =>
      "specversion" in data && data["seq"] !== undefined ? [Number(data["seq"])] : []
    )
  }

  /** Where it stands: what `Last-Event-ID` says when it comes back. */
  get place(): string {
    return this.frames.findLast(({ id }) => id !== undefined)?.id ?? "0"
  }
}

/**
 * Readers of event streams, in a process of their own: plain sockets, so that what is measured is the server. Told over IPC
 * what to open; answers with how late each event came, by the clock that both processes share.
 */
import { connect, type Socket } from "node:net"

export interface Order {
  readonly port: number
  readonly paths: ReadonlyArray<string>
  /** These read nothing after the head of the answer. */
  readonly stalled: number
}

export type Told =
  | { readonly kind: "open"; readonly open: number }
  | { readonly kind: "seen"; readonly lateMs: ReadonlyArray<number>; readonly frames: number; readonly closed: number }

/** Connections that are being made at a time. */
const openingMax = 100
/** Only what is committed after the beginning counts. */
let since = Infinity
let frames = 0
let closed = 0
let late: Array<number> = []

const hear = (text: string): void => {
  const now = Date.now()
  for (let at = text.indexOf("\"time\":\""); at >= 0; at = text.indexOf("\"time\":\"", at + 1)) {
    const time = Date.parse(text.slice(at + 8, at + 32))
    frames++
    if (time >= since) late.push(now - time)
  }
}

const reader = (port: number, path: string, isStalled: boolean): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`))
    let isOpen = false
    let rest = ""
    socket.setEncoding("utf8")
    socket.on("error", reject)
    socket.on("close", () =>
      closed++)
    socket.on("data", (chunk: string) => {
      if (!isOpen) {
        isOpen = true
        // A server that is late with its work refuses more of it.
        if (chunk.startsWith("HTTP/1.1 503")) {
          socket.destroy()
          return void setTimeout(() =>
            reader(port, path, isStalled).then(resolve, reject), 500)
        }
        if (!chunk.startsWith("HTTP/1.1 200")) {
          return reject(new Error(chunk.slice(0, 200)))
        }
        if (isStalled) {
          socket.pause()
        }
        resolve(socket)
      }
      const text = rest + chunk
      const cut = text.lastIndexOf("\n\n")
      rest = cut < 0 ? text : text.slice(cut)
      if (cut >= 0) {
        hear(text.slice(0, cut))
      }
    })
  })

const open = async ({ paths, port, stalled }: Order) => {
  let next = 0
  await Promise.all(Array.from({ length: openingMax }, async () => {
    while (next < paths.length) {
      const index = next++
      await reader(port, paths[index]!, index < stalled)
    }
  }))
  process.send?.({ kind: "open", open: paths.length } satisfies Told)
}

process.on("message", (order: Order | "begin" | "end") => {
  if (order === "begin") {
    since = Date.now()
    late = []
    frames = 0
  } else if (order === "end") {
    process.send?.({ kind: "seen", lateMs: late, frames, closed } satisfies Told)
  } else {
    open(order).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      process.exit(1)
    })
  }
})
process.on("disconnect", () => process.exit())

/** Which process listens on a port of this machine, where the system tells: Linux does, for processes of one's own. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"

/** Processes that are looked at, at most. */
const processesMax = 4_096
/** State of a listening socket in the kernel's tables. */
const listening = "0A"

const quietly = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Inodes of the sockets that listen on the port. */
const inodes = (port: number): ReadonlySet<string> => {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0")
  const found = new Set<string>()
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const lines = quietly(() => readFileSync(table, "utf8"))?.split("\n").slice(1) ?? []
    for (const line of lines) {
      const columns = line.trim().split(/\s+/)
      if (columns[1]?.endsWith(`:${wanted}`) === true && columns[3] === listening) found.add(columns[9] ?? "")
    }
  }
  return found
}

const holds = (pid: string, sockets: ReadonlySet<string>): boolean =>
  (quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? "")?.[1]
    return inode !== undefined && sockets.has(inode)
  })

/** Such as `process 4711 (node)`. */
export const find = (port: number): string | undefined => {
  const sockets = inodes(port)
  if (sockets.size === 0) return undefined
  const processes = (quietly(() => readdirSync("/proc")) ?? []).filter((name) => /^\d+$/.test(name))
  const pid = processes.slice(0, processesMax).find((name) => holds(name, sockets))
  if (pid === undefined) return undefined
  const name = quietly(() => readFileSync(`/proc/${pid}/comm`, "utf8"))?.trim()
  return `process ${pid}${name === undefined ? "" : ` (${name})`}`
}

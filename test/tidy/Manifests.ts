/** package.json and the lockfile: exact versions, the floors' dependencies, nothing of one network. */
import type { Finding, SourceFile } from "./Finding.ts"
import { rooms } from "./Rooms.ts"

interface Manifest {
  readonly dependencies?: { readonly [name: string]: string }
  readonly devDependencies?: { readonly [name: string]: string }
  readonly optionalDependencies?: { readonly [name: string]: string }
}

const isExact = (range: string): boolean => /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range)

export const manifest = (file: SourceFile): ReadonlyArray<Finding> => {
  const room = /^packages\/([^/]+)\/package\.json$/.exec(file.path)?.[1]
  if (room === undefined && file.path !== "package.json") return []
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = JSON.parse(file.text) as Manifest
  const finding = (message: string): Finding => ({ rule: "manifest", path: file.path, line: 1, message })
  const found: Array<Finding> = []
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
    if (!isExact(range)) found.push(finding(`${name}@${range}: versions are exact`))
  }
  if (room === undefined) return found
  const allowed = rooms[room]
  if (allowed === undefined) return [...found, finding(`room ${room} is not in test/tidy/Rooms.ts`)]
  for (const name of Object.keys(dependencies)) {
    const lower = name.startsWith("@baton/") ? name.slice("@baton/".length) : undefined
    const isAllowed = lower !== undefined
      ? allowed.rooms.includes(lower)
      : allowed.external.some((_) => _ === name || _.startsWith(`${name}/`))
    if (!isAllowed) found.push(finding(`${room} may not depend on ${name} (test/tidy/Rooms.ts)`))
  }
  return found
}

interface Lock {
  readonly packages: {
    readonly [key: string]: {
      readonly resolved?: string
      readonly link?: boolean
      readonly optionalDependencies?: { readonly [name: string]: string }
    }
  }
}

/**
 * Where a lockfile names the host it was made with, others cannot use it. Where it lacks the optional binary of another
 * platform, `npm ci` refuses it there.
 */
export const lockfile = (file: SourceFile): ReadonlyArray<Finding> => {
  if (file.path !== "package-lock.json") return []
  const { packages } = JSON.parse(file.text) as Lock
  const finding = (message: string): Finding => ({ rule: "lockfile", path: file.path, line: 1, message })
  const found: Array<Finding> = []
  for (const [key, { link, optionalDependencies = {}, resolved }] of Object.entries(packages)) {
    if (resolved !== undefined && link !== true) found.push(finding(`${key} is resolved to ${resolved}: leave it out`))
    for (const name of Object.keys(optionalDependencies)) {
      const isThere = packages[`${key}/node_modules/${name}`] ?? packages[`node_modules/${name}`]
      if (isThere === undefined) found.push(finding(`${key || "the root"} may need ${name}, which is not locked`))
    }
  }
  return found
}

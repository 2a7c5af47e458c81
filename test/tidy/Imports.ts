/** Walls between rooms, doors to the outside, no circles, no barrels. */
import * as path from "node:path"
import { type Finding, isShipped, isSuite, roomOf, type SourceFile } from "./Finding.ts"
import { pureEffectModules, type Room, rooms } from "./Rooms.ts"
import * as Syntax from "./Syntax.ts"

const packageOf = (specifier: string): string =>
  specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/")

/** What a suite may import besides what its room may. */
const suitePackages = ["@effect/vitest", "vitest"]

const isAllowedOutside = (room: Room, specifier: string): boolean =>
  room.external.includes(specifier) || room.external.includes(packageOf(specifier)) ||
  (specifier.startsWith("node:") && room.external.includes("node:*"))

/** What is wrong with one import, if anything. */
const complaint = (file: SourceFile, name: string, room: Room, specifier: string): string | undefined => {
  if (specifier === "") return "an import whose target is computed: name the module"
  if (!isSuite(file.path) && specifier.includes("/testing/")) return `${specifier} is for tests`
  if (isSuite(file.path) && suitePackages.includes(packageOf(specifier))) return undefined
  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file.path), specifier)
    return target.startsWith(`packages/${name}/`)
      ? undefined
      : `${specifier} leaves the room: import @baton/${roomOf(target) ?? "…"}/… by its name`
  }
  if (specifier.startsWith("@baton/")) {
    const target = packageOf(specifier).slice("@baton/".length)
    if (target === name) return `${specifier}: inside its own room a file is imported by its relative path`
    return room.rooms.includes(target)
      ? undefined
      : `${name} may not import ${target}; it may import ${room.rooms.join(", ") || "no room"} (test/tidy/Rooms.ts)`
  }
  if (specifier === "effect") return "import the module itself, such as `import * as Effect from \"effect/Effect\"`"
  if (isAllowedOutside(room, specifier)) return undefined
  if (name === "kernel" && specifier.startsWith("effect/")) {
    return `the kernel is pure: of effect it may use data modules only (${pureEffectModules.slice(0, 6).join(", ")}, …)`
  }
  return `${name} may not import ${specifier}; what it needs of the outside is listed in test/tidy/Rooms.ts`
}

export const walls = (file: SourceFile): ReadonlyArray<Finding> => {
  const name = roomOf(file.path)
  if (name === undefined || !isShipped(file.path)) return []
  const room = rooms[name]
  if (room === undefined) {
    return [{ rule: "wall", path: file.path, line: 1, message: `room ${name} is not in test/tidy/Rooms.ts` }]
  }
  return Syntax.imports(Syntax.parse(file)).flatMap(({ kind, line, specifier, star }) => {
    if (star) return [{ rule: "barrel", path: file.path, line, message: "no barrels: import the file that has it" }]
    // The target of a computed dynamic import is the business of the ban on dynamic imports.
    if (kind === "dynamic" && specifier === "") return []
    const message = complaint(file, name, room, specifier)
    return message === undefined ? [] : [{ rule: "wall", path: file.path, line, message }]
  })
}

/** The file an import of the same room means, or undefined. */
const targetOf = (file: SourceFile, specifier: string): string | undefined =>
  specifier.startsWith(".") ? path.posix.join(path.posix.dirname(file.path), specifier) : undefined

/** Files that need each other at run time. Each circle is reported once, at its first file by name. */
export const circles = (files: ReadonlyArray<SourceFile>): ReadonlyArray<Finding> => {
  const graph = new Map<string, ReadonlyArray<string>>()
  for (const file of files) {
    if (!isShipped(file.path)) continue
    const targets = Syntax.imports(Syntax.parse(file))
      .filter(({ kind }) => kind === "value")
      .flatMap(({ specifier }) => targetOf(file, specifier) ?? [])
    graph.set(file.path, targets)
  }
  const found: Array<Finding> = []
  const done = new Set<string>()
  const visit = (node: string, trail: ReadonlyArray<string>): void => {
    const at = trail.indexOf(node)
    if (at >= 0) {
      const message = `circle: ${[...trail.slice(at), node].map((_) => path.posix.basename(_)).join(" → ")}`
      found.push({ rule: "circle", path: node, line: 1, message })
      return
    }
    if (done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node])
    done.add(node)
  }
  for (const node of [...graph.keys()].toSorted()) visit(node, [])
  return found
}

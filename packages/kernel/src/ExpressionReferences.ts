/** What an expression reads, found in its tree: the compiler checks it against the graph, the machine loads only that. */
import { children, type Tree } from "./ExpressionTree.ts"

/** Names an expression reads from outside: roots such as `input`, and nodes by id (through `nodes.ID` or `needs.ID`). */
export interface References {
  readonly roots: ReadonlySet<string>
  readonly nodes: ReadonlySet<string>
  readonly secrets: ReadonlySet<string>
  /**
   * The longest static member chains from each root, such as `["needs", "enrich", "failed"]`: lets a scope leave out what
   * is not read.
   */
  readonly paths: ReadonlyArray<ReadonlyArray<string>>
  /** True when the whole of `needs` or `nodes` is read, not single members. A computed member reads the whole. */
  readonly allNeeds: boolean
  /** Which of the two `allNeeds` means; both may be. */
  readonly whole: ReadonlySet<"needs" | "nodes" | "secrets">
  /** The ids among `nodes` that are read through `needs`. */
  readonly needs: ReadonlySet<string>
}

/** The path of a reference that is the whole expression, such as `needs.a.b`; optional steps make it no lone reference. */
export const lonePath = (tree: Tree): ReadonlyArray<string> | undefined => {
  if (tree.op === "root") return [tree.name]
  if (tree.op !== "member" || tree.optional) return undefined
  const path = lonePath(tree.from)
  return path === undefined ? undefined : [...path, tree.key]
}

/** As `lonePath`, optional steps included. */
const accessPath = (tree: Tree): ReadonlyArray<string> | undefined => {
  if (tree.op === "root") return [tree.name]
  if (tree.op !== "member") return undefined
  const path = accessPath(tree.from)
  return path === undefined ? undefined : [...path, tree.key]
}

export const references = (tree: Tree): References => fromPaths(collect(tree, []))

const collect = (tree: Tree, found: Array<ReadonlyArray<string>>): Array<ReadonlyArray<string>> => {
  const path = accessPath(tree)
  if (path !== undefined) found.push(path)
  else for (const child of children(tree)) collect(child, found)
  return found
}

/** References of several expressions together. */
export const union = (all: ReadonlyArray<References>): References => {
  const only = all[0]
  return all.length === 1 && only !== undefined ? only : fromPaths(all.flatMap((_) => _.paths))
}

export const none: References = {
  roots: new Set(),
  nodes: new Set(),
  needs: new Set(),
  secrets: new Set(),
  allNeeds: false,
  whole: new Set(),
  paths: []
}

const fromPaths = (paths: ReadonlyArray<ReadonlyArray<string>>): References => {
  if (paths.length === 0) return none
  const sets = { needs: new Set<string>(), nodes: new Set<string>(), secrets: new Set<string>() }
  const whole = new Set<"needs" | "nodes" | "secrets">()
  for (const [root, name] of paths) {
    if (root !== "needs" && root !== "nodes" && root !== "secrets") continue
    if (name === undefined) whole.add(root)
    else sets[root].add(name)
  }
  return {
    roots: new Set(paths.flatMap((path) => path.slice(0, 1))),
    nodes: new Set([...sets.nodes, ...sets.needs]),
    needs: sets.needs,
    secrets: sets.secrets,
    allNeeds: whole.has("needs") || whole.has("nodes"),
    whole,
    paths
  }
}

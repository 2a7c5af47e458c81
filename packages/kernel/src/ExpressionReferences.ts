/** What an expression reads, found in its tree: the compiler checks it against the graph, the machine loads only that. */
import type { References } from "./Expression.ts"
import { children, type Tree } from "./ExpressionTree.ts"

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
export const union = (all: ReadonlyArray<References>): References => fromPaths(all.flatMap((_) => _.paths))

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

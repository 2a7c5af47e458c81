/**
 * What an expression sees of a run (SEMANTICS 8.6c): `input`, `nodes`, `needs`, `run`, and what the caller adds.
 * Only what the expression names is read; values kept as blobs that are not at hand are reported, not fetched.
 */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { References, Scope } from "./Expression.ts"
import type { PlanNode } from "./Plan.ts"
import type { NodeState, NodeStatus, RunState } from "./RunState.ts"
import type { BlobRef, Json, Value } from "./Value.ts"
import { refs, resolve } from "./Value.ts"

/** Blobs that have to be loaded before the question can be answered. */
export interface Needs {
  readonly refs: ReadonlyArray<BlobRef>
}

/** What is known of a node that is being settled by the decision that asks. */
export interface Preview {
  readonly index: number
  readonly status: NodeStatus
  readonly output: Value | undefined
  readonly outcome?: string | undefined
}

export interface Sight {
  /** The node whose expression it is; its direct needs are `needs`. */
  readonly node?: PlanNode | undefined
  /** Nodes settled after this event are not seen (8.6d). */
  readonly until?: number
  readonly preview?: Preview
  readonly extra?: { readonly [name: string]: Json }
}

/** A node's status in the words of the run document. */
export const publicStatus = (status: NodeStatus): string =>
  status === "ready" ? "queued" : status === "open" ? "running" : status

const settled = new Set<NodeStatus>(["succeeded", "failed", "skipped", "cancelled"])

interface Seen {
  readonly status: NodeStatus
  readonly output: Value | undefined
  readonly state: NodeState
}

/** A node as of `until`: what settled later looks as if it were still open. */
export const seen = (state: RunState, index: number, sight: Sight): Seen => {
  const node = state.nodes.get(index)
  if (sight.preview?.index === index) return { status: sight.preview.status, output: sight.preview.output, state: node }
  const hidden = settled.has(node.status) && sight.until !== undefined && node.settledSeq > sight.until
  return hidden
    ? { status: "pending", output: undefined, state: node }
    : { status: node.status, output: node.output, state: node }
}

type Tails = ReadonlyArray<ReadonlyArray<string>>

class Reader {
  readonly missing: Array<BlobRef> = []
  readonly blobs: ReadonlyMap<BlobRef, Json>

  constructor(blobs: ReadonlyMap<BlobRef, Json>) {
    this.blobs = blobs
  }

  /** The parts of a value that `tails` name; the whole when one of them is empty or the value has no separate parts. */
  read(value: Value | undefined, tails: Tails): Json {
    if (value === undefined) return null
    if ("fields" in value && tails.every((tail) => tail.length > 0)) {
      const entries: Array<[string, Json]> = []
      for (const key of new Set(tails.map((tail) => tail[0] ?? ""))) {
        if (!Object.hasOwn(value.fields, key)) continue
        entries.push([
          key,
          this.read(value.fields[key], tails.filter((tail) => tail[0] === key).map((tail) => tail.slice(1)))
        ])
      }
      return Object.fromEntries(entries)
    }
    const json = resolve(value, this.blobs)
    if (json === undefined) {
      for (const ref of refs(value)) if (!this.blobs.has(ref)) this.missing.push(ref)
      return null
    }
    return json
  }
}

const nodeView = (reader: Reader, state: RunState, index: number, sight: Sight, tails: Tails): Json => {
  const at = seen(state, index, sight)
  const wantsOutput = tails.some((tail) => tail.length === 0 || tail[0] === "output")
  const outputTails = tails.map((tail) => tail.length === 0 ? [] : tail.slice(1))
  return {
    status: publicStatus(at.status),
    output: wantsOutput ? reader.read(at.output, outputTails) : null,
    error: at.state.error === undefined ? null : { code: at.state.error.code, message: at.state.error.message },
    outcome: sight.preview?.index === index ? sight.preview.outcome ?? null : at.state.outcome ?? null,
    agent: at.state.agent ?? null
  }
}

/** Chains below a root: `needs.a.b` is `["a", "b"]`; without knowledge of chains, everything is wanted. */
const tailsOf = (references: References, root: string): Tails =>
  references.paths === undefined
    ? [[]]
    : references.paths.filter((path) => path[0] === root).map((path) => path.slice(1))

const membersOf = (tails: Tails, ids: Iterable<string>): ReadonlyArray<readonly [string, Tails]> => {
  const whole = tails.some((tail) => tail.length === 0)
  return [...ids].flatMap((id): ReadonlyArray<readonly [string, Tails]> => {
    const own = tails.filter((tail) => tail[0] === id).map((tail) => tail.slice(1))
    return whole ? [[id, [[]]]] : own.length > 0 ? [[id, own]] : []
  })
}

/** The direct needs of a node that have settled with something to read. */
const needsView = (reader: Reader, state: RunState, node: PlanNode, sight: Sight, tails: Tails): Json => {
  const ids = new Set(node.incoming.map((edge) => state.plan.nodes[edge.from]?.id ?? ""))
  const entries: Array<[string, Json]> = []
  for (const [id, own] of membersOf(tails, ids)) {
    const source = state.plan.byId.get(id)
    if (source === undefined) continue
    const at = seen(state, source.index, sight)
    if (at.status === "succeeded" || at.status === "failed") entries.push([id, reader.read(at.output, own)])
  }
  return Object.fromEntries(entries)
}

/** `run`: what a run knows of itself. */
export const runView = (state: RunState): Json => ({
  id: state.run,
  startedAt: DateTime.formatIso(DateTime.makeUnsafe(state.createdAt)),
  revision: state.plan.revision,
  flow: state.plan.name,
  version: state.plan.version,
  tags: state.tags
})

export const build = (
  state: RunState,
  references: References,
  sight: Sight,
  blobs: ReadonlyMap<BlobRef, Json>
): Result.Result<Scope, Needs> => {
  const reader = new Reader(blobs)
  const scope: Record<string, Json> = { ...sight.extra }
  const roots = references.roots
  if (roots.has("input")) scope.input = reader.read(state.input, tailsOf(references, "input"))
  if (roots.has("run")) scope.run = runView(state)
  if (roots.has("nodes")) {
    const ids = state.plan.nodes.map((node) => node.id)
    scope.nodes = Object.fromEntries(
      membersOf(
        tailsOf(references, "nodes"),
        references.allNeeds || references.paths === undefined ? ids : references.nodes
      )
        .flatMap(([id, tails]): ReadonlyArray<[string, Json]> => {
          const node = state.plan.byId.get(id)
          return node === undefined ? [] : [[id, nodeView(reader, state, node.index, sight, tails)]]
        })
    )
  }
  if (roots.has("needs") && sight.node !== undefined) {
    scope.needs = needsView(reader, state, sight.node, sight, tailsOf(references, "needs"))
  }
  return reader.missing.length > 0 ? Result.fail({ refs: reader.missing }) : Result.succeed(scope)
}

/** One run with one patch: what the patch commands print, without an engine. */
import type { PatchDocument, PatchView } from "@baton/contract/PatchesClient"
import { PatchesClient } from "@baton/contract/PatchesClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"

const node = (id: string): Json => ({ id, type: "agent", agent: "scout" })

const before: Json = { name: "brief", nodes: [node("plan"), node("write")], edges: [{ from: "plan", to: "write" }] }
const after: Json = {
  name: "brief",
  nodes: [node("plan"), node("write"), node("check")],
  edges: [{ from: "plan", to: "write" }, { from: "plan", to: "check" }, { from: "check", to: "write" }]
}

export const patch: PatchDocument = {
  schema: "baton.patch/1",
  id: "pat_01k8",
  run: "run_1",
  n: 1,
  status: "review",
  base: 0,
  revision: null,
  hash: null,
  by: null,
  step: "plan",
  reason: "two sources disagree",
  reverts: null,
  proposedAt: "2026-11-21T10:00:00.000Z",
  dueAt: null,
  decidedBy: null,
  comment: null,
  summary: {
    added: ["check"],
    removed: [],
    changed: [],
    edgesAdded: ["plan → check", "check → write"],
    edgesRemoved: []
  },
  growth: {
    nodes: 1,
    agentNodes: 1,
    types: [],
    agents: [],
    functions: [],
    flows: [],
    hosts: ["api.example.com"],
    secrets: [],
    effects: [],
    worstCase: { agentCalls: 2, outputTokens: null, usd: null }
  },
  operations: [{ op: "add", path: "/nodes/-", value: node("check") }]
}

const view: PatchView = { patch, before, after }

export const fakePatches = (record: (name: string, ...call: ReadonlyArray<unknown>) => Effect.Effect<void>) =>
  PatchesClient.of({
    plan: (run) => Effect.succeed({ run, revision: 0, hash: "sha256:0", flow: before, nodes: { plan: "running" } }),
    propose: (...call) =>
      Effect.as(record("patch", ...call), { ...view, patch: { ...patch, status: "applied", revision: 1 } }),
    rehearse: (...call) => Effect.as(record("rehearse", ...call), view),
    list: (run) => Effect.as(record("patches", run), [patch]),
    show: () => Effect.succeed(view),
    decide: (ref, action, options) =>
      Effect.as(record("decide", ref, action, options), {
        ...view,
        patch: {
          ...patch,
          status: action === "reject" ? "rejected" : options.comment === "late" ? "void" : "applied",
          decidedBy: options.by ?? "local",
          comment: options.comment ?? null
        }
      }),
    revert: (...call) => Effect.as(record("revert", ...call), view)
  })

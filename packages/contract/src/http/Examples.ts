/** Requests as people would send them, for the reference; by the id of the operation. A test holds each to its schema. */
import type { Json } from "@baton/kernel/Value"

const hello: Json = {
  name: "hello",
  version: "1.0.0",
  nodes: { greet: { value: "hello ${ input.name }" } },
  output: "${ nodes.greet.output }"
}

const text: Json = { text: "name: hello\nnodes:\n  greet: { value: \"hello ${ input.name }\" }\n", file: "hello.yaml" }

const start: { readonly [name: string]: Json } = {
  published: { flow: "hello", input: { name: "Ada" }, tags: { team: "docs" } },
  version: { flow: "hello@1.0.0", input: { name: "Ada" }, budget: { usd: 0.5 }, allowUnknownPrice: true },
  document: { flow: hello, input: { name: "Ada" } },
  yaml: { flow: text, input: { name: "Ada" } }
}

const operations: Json = [
  { op: "add", path: "/nodes/-", value: { id: "thank", type: "transform", value: "thank you" } },
  { op: "add", path: "/edges/-", value: { from: "greet", to: "thank" } }
]

const patch: { readonly [name: string]: Json } = { addsAStep: { operations, base: 0, reason: "somebody asked for it" } }

const decision: { readonly [name: string]: Json } = {
  approve: { decision: "approve", comment: "looks good" },
  retryWithChanges: { decision: "retry", modifications: { tone: "friendlier" } }
}

export const requests: { readonly [operation: string]: { readonly [name: string]: Json } } = {
  "runs.start": start,
  "aliases.startRun": start,
  "runs.send": { event: { name: "payment", data: { amount: 12 }, id: "evt-1" } },
  "runs.cancel": { withReason: { reason: "no longer needed" } },
  "runs.resume": { withMoreBudget: { budget: { usd: 1 }, note: "go on" } },
  "runs.prune": { before: { before: "2026-01-31T00:00:00Z" } },
  "runs.retryStep": { withChanges: { modifications: { url: "https://example.com/b" }, note: "moved" } },
  "runs.skipStep": { withOutput: { output: { items: [] } } },
  "runs.abortStep": { withNote: { note: "cannot be mended" } },
  "flows.publish": { document: { flow: hello }, yaml: { flow: text } },
  "flows.check": { document: { flow: hello }, yaml: { flow: text } },
  "patches.propose": patch,
  "patches.rehearse": patch,
  "aliases.patchRun": patch,
  "approvals.decide": decision,
  "aliases.decideApproval": decision,
  "operators.fork": { withOtherInput: { at: 12, set: { name: "Grace" }, note: "what if" } },
  "operators.retry": { oneStep: { step: "greet" } },
  "webhooks.add": { standard: { url: "https://example.com/hook", events: ["orchestration.run.completed"] } },
  "keys.create": { forAProgram: { name: "ci", scopes: ["runs:read", "runs:write"] } },
  "store.setSecret": { token: { value: "s3cr3t", hosts: ["api.example.com"] } }
}

/** One problem of each class, by the name of its schema. */
export const problems: { readonly [schema: string]: { readonly code: string; readonly detail: string } } = {
  Invalid: { code: "REQUEST_INVALID", detail: "Missing key" },
  Unauthenticated: { code: "CREDENTIAL_MISSING", detail: "The request shows no credential." },
  Denied: { code: "SCOPE_MISSING", detail: "The credential has not the scope runs:write." },
  NotFound: { code: "FLOW_MISSING", detail: "No flow hello is published." },
  MethodNotAllowed: { code: "METHOD_NOT_ALLOWED", detail: "/api/v1/runs takes GET, HEAD, OPTIONS, POST, and not PUT" },
  NotAcceptable: {
    code: "NOT_ACCEPTABLE",
    detail: "There is application/json and text/event-stream, and the request takes neither."
  },
  Conflict: { code: "IDEMPOTENCY_KEY_REUSED", detail: "the key one came before with another request" },
  Gone: { code: "ALREADY_DECIDED", detail: "Somebody has decided already." },
  Stale: { code: "PATCH_STALE", detail: "the plan is at revision 1, the patch was made for 0" },
  TooLarge: { code: "BODY_TOO_LARGE", detail: "A body has 1048576 bytes at most." },
  UnsupportedMedia: { code: "CONTENT_TYPE_UNSUPPORTED", detail: "the content type text/plain is not understood" },
  Limited: { code: "user_rate_limit_exceeded", detail: "50 runs may be started in 1m (user)." },
  Internal: { code: "INTERNAL", detail: "The request could not be answered." },
  Unavailable: { code: "OVERLOADED", detail: "The server is working on 1024 requests." }
}

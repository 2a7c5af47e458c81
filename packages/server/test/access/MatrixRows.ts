/**
 * What the matrix asks of every route. A route that names nothing, or what the world has under its parameter's name, and
 * takes no body needs no row: it gets one by itself. Every other route without a row here fails the test.
 */
import { adding, type World } from "./MatrixWorld.ts"

export interface Row {
  /** Values of the path's parameters. */
  readonly params?: { readonly [name: string]: string }
  readonly query?: string
  readonly body?: unknown
  /**
   * `hidden`: what it names is not there for others. `apart`: it names nothing that belongs to anybody.
   * `system`: it tells of all tenants, and needs a scope that a tenant's administrator cannot give.
   */
  readonly others: "hidden" | "apart" | "system"
  /** Not asked with the right credential, and why. */
  readonly skipOwn?: string
}

const operations = adding("more")
const usage = { calls: 1, inputTokens: 1 }

/** By group and endpoint, or `method path` for routes beside the contract. */
export const rows = (world: World): { readonly [route: string]: Row } => {
  const { approval, key, letter, patch, run, step, webhook } = world
  const ofRun = { id: run }
  const ofStep = { id: run, path: step }
  const flow = { name: "world", nodes: [{ id: "one", type: "transform", value: 1 }], edges: [] }
  return {
    "flows.publish": { body: { flow: { ...flow, version: "1.0.0" } }, others: "apart" },
    "flows.check": { body: { flow }, others: "apart" },
    "flows.versions": { params: { name: world.flow }, others: "apart" },
    "runs.start": { body: { flow }, others: "apart" },
    "runs.resolve": { query: `text=${run}`, others: "hidden" },
    "runs.prune": { body: { before: "2000-01-01T00:00:00Z" }, others: "apart" },
    "runs.diff": { params: { id: run, other: run }, others: "hidden" },
    "runs.send": { params: ofRun, body: { name: "hello" }, others: "hidden" },
    "runs.cancel": { params: ofRun, body: {}, others: "hidden" },
    "runs.resume": { params: ofRun, body: {}, others: "hidden" },
    "runs.retryStep": { params: ofStep, body: {}, others: "hidden" },
    "runs.skipStep": { params: ofStep, body: {}, others: "hidden" },
    "runs.abortStep": { params: ofStep, body: {}, others: "hidden" },
    "live.events": { query: `after=${run}:0`, others: "hidden" },
    "patches.propose": { params: ofRun, body: { operations }, others: "hidden" },
    "patches.rehearse": { params: ofRun, body: { operations }, others: "hidden" },
    "patches.show": { params: { patch }, query: `run=${run}`, others: "hidden" },
    "patches.decide": { params: { patch }, query: `run=${run}`, body: { action: "approve" }, others: "hidden" },
    "patches.revert": { params: { patch }, query: `run=${run}`, body: {}, others: "hidden" },
    "approvals.decide": { params: { target: approval }, body: { decision: "approve" }, others: "hidden" },
    "aliases.startRun": { body: { flow }, others: "apart" },
    "aliases.patchRun": { params: ofRun, body: { operations }, others: "hidden" },
    "aliases.decideApproval": { params: { id: approval }, body: { decision: "approve" }, others: "hidden" },
    "multiRole.askStream": { body: { question: "What is it?" }, others: "apart" },
    "multiRole.follow": { query: `run=${run}`, others: "hidden" },
    "reference.problem": { params: { kind: "invalid" }, others: "apart" },
    "links.create": { params: { target: approval }, body: {}, others: "hidden" },
    "operators.fork": { params: ofRun, body: {}, others: "hidden" },
    "operators.retry": { params: ofRun, body: {}, others: "hidden" },
    "operators.waits": { query: "reason=operator&limit=5", others: "apart" },
    "operators.reprocess": { params: { id: letter }, body: {}, others: "hidden" },
    "operators.discard": { params: { id: letter }, body: {}, others: "hidden" },
    "store.reportUsage": { params: ofStep, body: { attempt: 1, usage }, others: "hidden" },
    "store.setSecret": { params: { name: "CANARY" }, body: { value: "x", hosts: ["api.test"] }, others: "apart" },
    "store.removeSecret": { params: { name: "CANARY" }, others: "apart" },
    "keys.create": { body: { name: "more", scopes: [] }, others: "apart" },
    "keys.rotate": { params: { id: key }, body: {}, others: "hidden" },
    "session.open": { body: { key: world.keyText }, others: "apart" },
    "webhooks.add": { body: { url: "https://hooks.test/" }, others: "apart" },
    "webhooks.change": { params: { id: webhook }, body: { state: "disabled" }, others: "hidden" },
    "webhooks.rotate": { params: { id: webhook }, body: {}, others: "hidden" },
    "webhooks.test": { params: { id: webhook }, others: "hidden", skipOwn: "it would call the receiver" },
    "webhooks.resend": { params: { id: "dlv_0" }, others: "hidden", skipOwn: "nothing has been delivered" },
    "metrics.metrics": { others: "system" },
    "GET /openapi.json": { others: "apart" },
    "GET /docs": { others: "apart" },
    "GET /approve/:token": { params: { token: "0".repeat(43) }, others: "apart", skipOwn: "see Links.test.ts" },
    "POST /approve/:token": {
      params: { token: "0".repeat(43) },
      body: { decision: "approve" },
      others: "apart",
      skipOwn: "see Links.test.ts"
    }
  }
}

/** What a parameter names when no row says otherwise, by group. */
export const named = (world: World): { readonly [group: string]: { readonly [parameter: string]: string } } => ({
  runs: { id: world.run, path: world.step },
  patches: { id: world.run, patch: world.patch },
  approvals: { target: world.approval },
  operators: { id: world.letter },
  flows: { name: world.flow, version: "1.0.0" },
  keys: { id: world.key },
  webhooks: { id: world.webhook },
  store: { ref: world.blob }
})

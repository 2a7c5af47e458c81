/** The approvals port over one approval that takes any decision and remembers it. */
import type { ApprovalDocument, ApprovalItem } from "@baton/contract/ApprovalsClient"
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"

const item: ApprovalItem = {
  id: "apr_0001",
  kind: "approval",
  run: "run_0001",
  flow: "release",
  path: "gate",
  title: "Ship \u001b[2J it?",
  since: "2026-11-21T10:00:00.000Z",
  dueAt: null,
  closedAt: null,
  door: "baton approvals approve|reject apr_0001",
  data: {}
}

const document: ApprovalDocument = {
  schema: "baton.approval/1",
  id: item.id,
  run: item.run,
  flow: item.flow,
  path: item.path,
  attempt: 1,
  ask: "approval",
  status: "open",
  question: item.title,
  options: null,
  form: null,
  input: { text: "draft" },
  output: null,
  approvers: ["ana"],
  quorum: 1,
  requester: "local",
  decisions: ["approve", "reject"],
  requesterMayApprove: false,
  votes: [],
  since: item.since,
  dueAt: null,
  onTimeout: "reject",
  hash: "ab".repeat(32),
  decision: null,
  resume: null
}

export const make = (calls: Array<ReadonlyArray<unknown>>): ApprovalsClient["Service"] =>
  ApprovalsClient.of({
    list: (query) =>
      Effect.sync(() => {
        calls.push(["approvals.list", query])
        return [item]
      }),
    show: () => Effect.succeed(document),
    decide: (target, decision) =>
      Effect.suspend(() => {
        calls.push(["approvals.decide", target, decision])
        if (decision.by === "mallory") {
          return Effect.fail(new ClientError({ reason: "denied", code: "NOT_AN_APPROVER", message: "ana may decide" }))
        }
        if (decision.by === "late") {
          return Effect.fail(new ClientError({ reason: "conflict", code: "ALREADY_DECIDED", message: "ana approved" }))
        }
        return Effect.succeed<ApprovalDocument>({
          ...document,
          status: "decided",
          decision: {
            decision: decision.decision,
            cause: "decision",
            by: decision.by ?? "local",
            at: item.since,
            comment: decision.comment ?? null
          },
          resume: "baton runs resume run_0001"
        })
      })
  })

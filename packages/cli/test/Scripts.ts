/** Scripts that the fake client plays. */
import type { StepError } from "@baton/kernel/StepError"
import type { Script } from "./FakeClient.ts"

const error: StepError = {
  code: "HTTP_500",
  kind: "http",
  message: "the server said 500",
  retryable: true,
  status: 500
}

const step = (path: string, ms = 0) =>
  [ms, { type: "StepSucceeded" as const, path, attempt: 1, output: { v: 1 } }] as const

const offer = (...paths: ReadonlyArray<string>) =>
  [0, { type: "StepsDispatched" as const, steps: paths.map((path) => [path, 1] as const) }] as const

const finish = (status: "succeeded" | "warned" | "failed" | "cancelled", code: string, message: string) =>
  [0, {
    type: "RunFinished" as const,
    status,
    code,
    message,
    ...(status === "warned" ? { warnings: [{ code: "TOLERATED", message: "one item was lost" }] } : {})
  }] as const

const nodes = [["greet", "transform"], ["send", "http"]] as const

const waitsForOperator: Script = {
  nodes,
  events: [
    offer("greet"),
    [0, {
      type: "StepWaiting",
      path: "greet",
      attempt: 1,
      wait: { kind: "operator", reason: "unknown_outcome", error }
    }]
  ],
  reasons: [{
    reason: "unknown_outcome",
    path: "greet",
    message: "nobody knows whether the call was made",
    door: "baton runs retry|skip|abort run_0001 greet",
    data: {}
  }]
}

/** An approval, with a question that would steer the terminal. */
const asked: Script = {
  nodes,
  events: [[0, {
    type: "StepWaiting",
    path: "greet",
    attempt: 1,
    wait: {
      kind: "approval",
      ask: "approval",
      id: "apr_0001",
      hash: "ab".repeat(32),
      title: "Ship \u001b[2J it?",
      shown: { fields: { question: { v: "Ship it?" } } },
      quorum: 1,
      requesterMayApprove: true,
      onTimeout: "reject"
    }
  }]],
  reasons: [{
    reason: "approval",
    path: "greet",
    message: "greet waits for a decision: Ship it?",
    door: "baton approvals approve|reject run_0001 greet",
    data: {}
  }]
}

export const scripts: { readonly [flow: string]: Script } = {
  hello: {
    nodes,
    events: [offer("greet"), step("greet"), offer("send"), step("send"), finish("succeeded", "SUCCEEDED", "all done")],
    output: { greeting: "Hello Ada" }
  },
  text: { nodes, events: [finish("succeeded", "SUCCEEDED", "")], output: "red \u001b[31malert\u001b[0m\nsecond line" },
  warned: { nodes, events: [finish("warned", "WARNED", "done with warnings")], output: 1 },
  failing: {
    nodes,
    events: [
      offer("greet"),
      [0, { type: "StepRetryScheduled", path: "greet", attempt: 1, error, dueAt: 4_000 }],
      offer("greet"),
      [0, { type: "StepFailed", path: "greet", attempt: 2, error, handled: "none" }],
      [0, { type: "RunClosing", cause: "failure", code: "HTTP_500", message: "step greet failed", path: "greet" }],
      finish("failed", "HTTP_500", "the server said 500")
    ]
  },
  cancelled: { nodes, events: [finish("cancelled", "CANCELLED", "cancelled by ana")] },
  human: waitsForOperator,
  asked,
  event: {
    nodes,
    events: [[0, { type: "StepWaiting", path: "greet", attempt: 1, wait: { kind: "event", name: "acknowledged" } }]],
    reasons: [{
      reason: "external_event",
      path: "greet",
      message: "waits for acknowledged",
      door: "baton runs send",
      data: {}
    }]
  },
  unowned: {
    nodes,
    events: [],
    reasons: [{
      reason: "no_owner",
      path: null,
      message: "no living process runs it",
      door: "baton runs resume run_0001",
      data: {}
    }]
  },
  invalid: { nodes, events: [] },
  "deep-research": {
    nodes: [["report", "agent"]],
    events: [finish("succeeded", "SUCCEEDED", "")],
    output: { report: "missing.md", sha256: "0" }
  }
}

/** About ten seconds of a busy run, to be looked at on a terminal and interrupted. */
export const slow: { readonly [flow: string]: Script } = {
  ...scripts,
  slow: {
    nodes: [["plan", "agent"], ["research", "map"], ["fetch", "http"], ["notify", "http"], ["report", "agent"]],
    events: [
      offer("plan", "fetch"),
      [700, {
        type: "StepSucceeded",
        path: "plan",
        attempt: 1,
        output: { v: 1 },
        startedAt: Date.now(),
        usage: { inputTokens: 900, outputTokens: 304, costUsd: 0.004 }
      }],
      [100, { type: "MapExpanded", path: "research", count: 40, items: { v: [] } }],
      offer("research[0]", "research[1]", "research[2]", "research[3]"),
      [200, { type: "StepRetryScheduled", path: "fetch", attempt: 1, error, dueAt: Date.now() + 6_000 }],
      ...Array.from({ length: 40 }, (_, i) => [
        step(`research[${i}]`, 150),
        ...(i + 4 < 40 ? [offer(`research[${i + 4}]`)] : [])
      ]).flat(),
      step("research", 100),
      [0, {
        type: "StepWaiting",
        path: "notify",
        attempt: 1,
        wait: {
          kind: "operator",
          reason: "failed",
          error: {
            ...error,
            message:
              "日本語のメッセージ \u001b[2J and a very long text that goes on and on past the end of the line, surely"
          }
        }
      }],
      offer("report"),
      step("report", 3_000),
      [3_000, { type: "StepFailed", path: "fetch", attempt: 2, error, handled: "continue" }],
      finish("warned", "WARNED", "done with warnings")
    ],
    output: { ok: true }
  }
}

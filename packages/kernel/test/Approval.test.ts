/** Approvals, checkpoints and questions: who may decide what, when, and what follows (SEMANTICS 8.8). */
import * as ApprovalRefusal from "@baton/kernel/ApprovalRefusal"
import type { Command } from "@baton/kernel/Command"
import * as Doors from "@baton/kernel/Doors"
import { explain } from "@baton/kernel/Explain"
import { decisionDoor } from "@baton/kernel/ExplainWait"
import type * as Flow from "@baton/kernel/Flow"
import * as Invariants from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { inline, resolve } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import { flow, RunDriver } from "./RunDriver.ts"

type Decision = Partial<Omit<Extract<Command, { type: "DecideApproval" }>, "type" | "data" | "modifications">> & {
  readonly data?: Json
  readonly modifications?: Json
}

const decide = (run: RunDriver, decision: string, { data, modifications, ...more }: Decision = {}) =>
  run.ask({
    type: "DecideApproval",
    at: ++run.at,
    by: "ana",
    path: "gate",
    decision,
    ...more,
    ...(data === undefined ? {} : { data: inline(data) }),
    ...(modifications === undefined ? {} : { modifications: inline(modifications) })
  })

const codeOf = (answer: ReturnType<RunDriver["ask"]>): string => "code" in answer ? answer.code : "accepted"

const gate = (fields: Partial<Flow.Node> = {}): Flow.Node =>
  ({ id: "gate", type: "approval", question: "Go?", ...fields }) as Flow.Node
const work = (id: string, fields: Partial<Flow.Node> = {}): Flow.Node =>
  ({ id, type: "function", function: "f", ...fields }) as Flow.Node

const outputOf = (run: RunDriver, id = "gate"): Json | undefined => {
  const { output } = run.state.nodes.get(run.plan.byId.get(id)?.index ?? -1)
  return output === undefined ? undefined : resolve(output, new Map())
}

const waiting = (run: RunDriver, path = "gate") => {
  const { wait } = run.state.nodes.get(run.plan.byId.get(path)?.index ?? -1)
  return wait?.kind === "approval" ? wait : assert.fail(`${path} does not wait for an approval`)
}

/** What a person's decision must leave as it was when it is refused. */
const frozen = (run: RunDriver): string => JSON.stringify([run.state.seq, run.events, Doors.doors(run.state)])

describe("an approval", () => {
  const forked = (fields: Partial<Flow.Node> = {}) =>
    new RunDriver(
      flow([gate(fields), work("yes"), work("no"), work("plain")], [
        "gate>yes on approved",
        "gate>no on rejected",
        "gate>plain"
      ])
    )

  it("waits without a worker and is not finished (K4), with a reason and a door (K12)", () => {
    const run = forked({ approvers: ["ana", "group:editors"], timeout: "1h" } as Partial<Flow.Node>)
    assert.strictEqual(run.status("gate"), "waiting")
    assert.strictEqual(RunState.status(run.state), "waiting")
    assert.deepStrictEqual(run.offered, [])
    const [reason] = explain(run.state, run.at)
    assert.strictEqual(reason?.reason, "approval")
    assert.include(reason?.door, "baton approvals approve|reject RUN gate")
    const [door] = Doors.doors(run.state)
    assert.deepInclude(door, { path: "gate", kind: "approval", title: "Go?", dueAt: run.at + 3_600_000 })
    assert.deepStrictEqual(Invariants.violations(run.state), [])
  })

  it("goes on along approved and success edges, with who said what as its output", () => {
    const run = forked()
    decide(run, "approve", { comment: "fine", data: { title: "A" } })
    assert.deepStrictEqual(run.offered, ["yes", "plain"])
    assert.strictEqual(run.status("no"), "skipped")
    assert.deepStrictEqual(outputOf(run), {
      decision: "approve",
      approved: true,
      by: "ana",
      comment: "fine",
      data: { title: "A" }
    })
    assert.deepStrictEqual(Doors.doors(run.state), [])
  })

  it("goes along rejected edges only when it is rejected: a plain edge guards what is behind it", () => {
    const run = forked()
    decide(run, "reject", { comment: "no" })
    assert.deepStrictEqual(run.offered, ["no"])
    assert.strictEqual(run.status("yes"), "skipped")
    assert.strictEqual(run.status("plain"), "skipped")
    assert.strictEqual((outputOf(run) as { approved: boolean }).approved, false)
  })

  it("fails as REJECTED when a rejection leads nowhere, and the run with it", () => {
    const run = new RunDriver(flow([gate(), work("next")], ["gate>next"]))
    decide(run, "reject", { comment: "not now" })
    assert.strictEqual(run.status("gate"), "failed")
    assert.strictEqual(run.state.finished?.code, "REJECTED")
    assert.include(run.state.finished?.message, "ana said no: not now")
  })

  it("ends by an option's name, which is an approval unless the option rejects", () => {
    const options = ["later", { id: "never", decision: "reject" }]
    const make = () =>
      new RunDriver(
        flow([gate({ options } as Partial<Flow.Node>), work("wait"), work("stop"), work("any")], [
          "gate>wait on later",
          "gate>stop on never",
          "gate>any on approved"
        ])
      )
    const later = make()
    decide(later, "later")
    assert.deepStrictEqual(later.offered, ["wait", "any"])
    assert.strictEqual((outputOf(later) as { decision: string }).decision, "later")
    const never = make()
    decide(never, "never")
    assert.deepStrictEqual(never.offered, ["stop"])
    assert.strictEqual(codeOf(decide(make(), "sometime")), "DECISION_INVALID")
  })

  it("counts the first decision; a later one is told who decided what and when, and changes nothing", () => {
    const run = forked()
    const { id } = waiting(run)
    decide(run, "approve", { comment: "mine" })
    const before = frozen(run)
    const late = decide(run, "reject", { by: "ben", id })
    assert.strictEqual(codeOf(late), "ALREADY_DECIDED")
    assert.match("message" in late ? late.message : "", /ana approved at 2023-11-14T22:13:2\d.*: mine/)
    assert.strictEqual(codeOf(decide(run, "approve", { by: "ben" })), "ALREADY_DECIDED")
    assert.strictEqual(frozen(run), before)
  })

  it("refuses a decision at its due time though the timer has not fired, and then follows the flow's rule", () => {
    for (const [onTimeout, offered] of [["approve", ["yes", "plain"]], ["reject", ["no"]]] as const) {
      const run = forked({ timeout: "1s", onTimeout } as Partial<Flow.Node>)
      const before = frozen(run)
      run.at = (waiting(run).dueAt ?? 0) - 1
      assert.strictEqual(codeOf(decide(run, "approve")), "EXPIRED")
      assert.strictEqual(frozen(run), before)
      assert.isTrue(run.ring())
      assert.deepStrictEqual(run.offered, [...offered])
      assert.deepInclude(outputOf(run) as object, { by: null })
      assert.strictEqual(codeOf(decide(run, "approve")), "ALREADY_DECIDED")
    }
  })

  it("ignores a timer that comes early or for another attempt", () => {
    const run = forked({ timeout: "1h" } as Partial<Flow.Node>)
    for (
      const [kind, n, at] of [["timeout", 1, run.at], ["timeout", 2, run.at + 9e6], ["wait", 7, run.at + 9e6]] as const
    ) {
      assert.deepStrictEqual(run.ask({ type: "FireTimer", at, kind, path: "gate", n }), [])
    }
  })

  it("takes decisions of approvers and of members of their groups only", () => {
    const run = forked({ approvers: ["ben", "group:editors"] } as Partial<Flow.Node>)
    const before = frozen(run)
    const refused = decide(run, "approve", { groups: ["writers"] })
    assert.strictEqual(codeOf(refused), "NOT_AN_APPROVER")
    assert.strictEqual(codeOf(decide(run, "reject")), "NOT_AN_APPROVER")
    assert.strictEqual(frozen(run), before)
    assert.strictEqual(codeOf(decide(run, "approve", { groups: ["editors"] })), "accepted")
  })

  it("keeps the one who started the run from deciding where the flow says so", () => {
    const run = forked({ requesterMayApprove: false } as Partial<Flow.Node>)
    run.state.by = "ana"
    assert.strictEqual(codeOf(decide(run, "approve")), "REQUESTER_MAY_NOT_APPROVE")
    assert.strictEqual(codeOf(decide(run, "approve", { by: "ben" })), "accepted")
  })

  it("counts nobody in particular as no other person: a decision is made under a name", () => {
    for (const by of ["", "  ", "x".repeat(129)]) {
      const run = forked({ quorum: 2 } as Partial<Flow.Node>)
      const before = frozen(run)
      assert.strictEqual(codeOf(decide(run, "approve", { by })), "NOT_AN_APPROVER")
      assert.strictEqual(frozen(run), before)
    }
  })

  it("needs as many different approvers as its quorum; one rejection rejects", () => {
    const make = () => forked({ quorum: 2 } as Partial<Flow.Node>)
    const run = make()
    decide(run, "approve", { data: { a: 1 } })
    assert.strictEqual(run.status("gate"), "waiting")
    assert.deepStrictEqual(Doors.doors(run.state)[0]?.data["votes"], ["ana"])
    assert.strictEqual(codeOf(decide(run, "approve")), "ALREADY_VOTED")
    decide(run, "approve", { by: "ben", data: { b: 2 } })
    assert.deepStrictEqual(run.offered, ["yes", "plain"])
    assert.deepInclude(outputOf(run) as object, { by: "ben", data: { a: 1, b: 2 }, approvals: ["ana", "ben"] })
    const rejected = make()
    decide(rejected, "approve")
    decide(rejected, "reject", { by: "ben" })
    assert.deepStrictEqual(rejected.offered, ["no"])
  })

  it("is bound to what was shown: another hash is refused", () => {
    const run = forked()
    const { hash, id } = waiting(run)
    assert.strictEqual(codeOf(decide(run, "approve", { hash: "0".repeat(64) })), "APPROVAL_CHANGED")
    assert.strictEqual(codeOf(decide(run, "approve", { id: "apr_other" })), "APPROVAL_NOT_FOUND")
    assert.strictEqual(codeOf(decide(run, "approve", { hash, id })), "accepted")
    const shown = (question: string, input: Json) => {
      const other = new RunDriver(flow([gate({ question, input } as Partial<Flow.Node>)]))
      return waiting(other).hash
    }
    assert.strictEqual(new Set([shown("Go?", 1), shown("Go?", 2), shown("No?", 1)]).size, 3)
    assert.strictEqual(shown("Go?", { a: 1, b: 2 }), shown("Go?", { b: 2, a: 1 }))
  })

  it("lists everything about form data that does not fit", () => {
    const form = { type: "object", required: ["who"], properties: { n: { type: "integer" } } }
    const run = forked({ form } as Partial<Flow.Node>)
    const before = frozen(run)
    const refused = decide(run, "approve", { data: { n: "many" } })
    assert.strictEqual(codeOf(refused), "FORM_INVALID")
    assert.match("message" in refused ? refused.message : "", /who.*n/s)
    assert.strictEqual(codeOf(decide(run, "approve")), "FORM_INVALID")
    assert.strictEqual(frozen(run), before)
    assert.strictEqual(codeOf(decide(run, "reject", { data: { n: "many" } })), "accepted")
  })

  it("hands on the input as people changed it", () => {
    const run = forked({ input: { text: "draft", to: { list: "all" } } } as Partial<Flow.Node>)
    assert.strictEqual(codeOf(decide(run, "reject", { modifications: { text: "x" } })), "DECISION_INVALID")
    assert.strictEqual(codeOf(decide(run, "approve", { modifications: [1] })), "MODIFICATIONS_INVALID")
    decide(run, "approve", { modifications: { text: "final", to: { list: null, cc: "b" } } })
    assert.deepInclude(outputOf(run) as object, { input: { text: "final", to: { cc: "b" } } })
  })

  it("asks with what is known when it gets there, and fails when it cannot ask", () => {
    const run = new RunDriver(
      flow([
        work("draft"),
        gate({ question: "Post ${ nodes.draft.output.title }?", approvers: "${ nodes.draft.output.who }" } as never)
      ], ["draft>gate"])
    )
    run.succeed("draft", { title: "A", who: ["ben"] })
    assert.strictEqual(waiting(run).title, "Post A?")
    assert.deepStrictEqual(waiting(run).approvers, ["ben"])
    for (const output of [{ title: "A", who: [] }, { title: "A", who: [7] }, { title: "A" }]) {
      const other = new RunDriver(run.plan.document)
      other.succeed("draft", output)
      assert.strictEqual(other.status("gate"), "failed")
    }
  })

  it("is void once the run is cancelled, and says so", () => {
    const run = forked()
    run.ask({ type: "CancelRun", at: ++run.at })
    assert.strictEqual(run.state.finished?.status, "cancelled")
    assert.deepStrictEqual(Doors.doors(run.state), [])
    const refused = decide(run, "approve")
    assert.strictEqual(codeOf(refused), "APPROVAL_VOID")
    assert.include("message" in refused ? refused.message : "", "CANCELLED")
  })

  it("is decided while the run is paused, and what follows starts when it is resumed", () => {
    const run = forked()
    run.ask({ type: "PauseRun", at: ++run.at })
    decide(run, "approve")
    assert.deepStrictEqual(run.offered, [])
    run.ask({ type: "ResumeRun", at: ++run.at })
    assert.deepStrictEqual(run.offered, ["yes", "plain"])
  })

  it("refuses to decide about steps that wait for nothing, or are not there", () => {
    const run = forked()
    assert.strictEqual(codeOf(decide(run, "approve", { path: "yes" })), "STEP_NOT_WAITING")
    assert.strictEqual(codeOf(decide(run, "approve", { path: "nowhere" })), "STEP_NOT_FOUND")
  })
})

describe("a checkpoint", () => {
  const checked = (fields: Json = { question: "Keep ${ output.n }?" }) =>
    new RunDriver(
      flow([work("gate", { input: { n: 1 }, checkpointAfter: fields } as never), work("next")], ["gate>next"])
    )

  it("leaves the step unsettled, its answer provisional, until it continues", () => {
    const run = checked()
    run.succeed("gate", { n: 7 })
    assert.strictEqual(waiting(run).title, "Keep 7?")
    assert.strictEqual(outputOf(run), undefined)
    assert.deepStrictEqual(run.offered, [])
    assert.deepStrictEqual(Doors.doors(run.state).map(({ kind }) => kind), ["checkpoint"])
    decide(run, "continue")
    assert.deepStrictEqual(outputOf(run), { n: 7 })
    assert.deepStrictEqual(run.offered, ["next"])
    assert.deepStrictEqual(Invariants.violations(run.state), [])
  })

  it("opens the next attempt on retry, with a new approval behind its answer", () => {
    const run = checked(true)
    run.succeed("gate", { n: 7 })
    const first = waiting(run)
    decide(run, "retry", { comment: "shorter" })
    assert.deepStrictEqual(Outstanding.offered(run.state).map(({ attempt, path }) => [path, attempt]), [["gate", 2]])
    run.succeed("gate", { n: 8 })
    assert.notStrictEqual(waiting(run).id, first.id)
    assert.strictEqual(codeOf(decide(run, "continue", { id: first.id })), "ALREADY_DECIDED")
    decide(run, "approve")
    assert.deepStrictEqual(outputOf(run), { n: 8 })
  })

  it("fails the step on abort, and when time runs out unless the flow approves then", () => {
    const aborted = checked()
    aborted.succeed("gate", { n: 1 })
    decide(aborted, "abort")
    assert.strictEqual(aborted.state.finished?.code, "ABORTED")
    const late = checked({ timeout: "1m", onTimeout: "approve" })
    late.succeed("gate", { n: 1 })
    late.ring()
    assert.deepStrictEqual(late.offered, ["next"])
  })

  it("is not asked of a failure, nor in a run that closes", () => {
    const run = checked()
    run.fail("gate")
    assert.strictEqual(run.state.finished?.status, "failed")
    const closing = new RunDriver(flow([work("gate", { checkpointAfter: true } as never), work("bad")]))
    closing.fail("bad")
    closing.succeed("gate", 1)
    assert.strictEqual(closing.state.finished?.code, "BROKE")
  })

  it("offers another attempt only where there can be one", () => {
    const once = new RunDriver(flow([{ id: "gate", type: "wait", event: "e", checkpointAfter: true }]))
    once.ask({ type: "SendEvent", at: ++once.at, id: "1", name: "e", data: inline(1) })
    assert.deepStrictEqual(ApprovalRefusal.decisionsOf(waiting(once)), ["continue", "abort"])
    assert.strictEqual(decisionDoor(waiting(once), "apr_1"), "baton approvals approve|reject apr_1")
    const refused = decide(once, "retry")
    assert.strictEqual(codeOf(refused), "DECISION_INVALID")
    assert.include(JSON.stringify(refused), "one of continue, abort")
    const again = new RunDriver(flow([work("gate", { checkpointAfter: true } as never)]))
    again.succeed("gate", 1)
    assert.deepStrictEqual(ApprovalRefusal.decisionsOf(waiting(again)), ["continue", "retry", "abort"])
    assert.strictEqual(decisionDoor(waiting(again), "apr_1"), "baton approvals approve|retry|reject apr_1")
    decide(again, "retry")
    assert.strictEqual(again.status("gate"), "queued")
  })

  it("keeps a wait's event for the step that took it", () => {
    const run = new RunDriver(flow([{ id: "gate", type: "wait", event: "e", checkpointAfter: true }, {
      id: "other",
      type: "wait",
      event: "e"
    }]))
    const send = (id: string, data: Json) =>
      run.ask({ type: "SendEvent", at: ++run.at, id, name: "e", data: inline(data) })
    send("1", "one")
    send("2", "two")
    assert.deepStrictEqual(outputOf(run, "other"), "two")
    decide(run, "continue")
    assert.deepStrictEqual(outputOf(run), "one")
    assert.deepStrictEqual(run.state.inbox, [])
  })
})

describe("a question", () => {
  const asked = (
    question: Partial<Extract<Command, { type: "CompleteStep" }>["outcome"] & { question: object }>["question"] = {}
  ) => {
    const run = new RunDriver(flow([work("gate", { retry: { attempts: 2, initial: "1s", jitter: false } } as never)]))
    run.answer("gate", { ok: "asks", question: { question: "Which one?", ...question } })
    return run
  }

  it("ends the attempt; the answer goes to the next one, which is no retry", () => {
    const run = asked()
    assert.strictEqual(explain(run.state, run.at)[0]?.reason, "input")
    assert.strictEqual(codeOf(decide(run, "answer", { data: "the red one" })), "accepted")
    assert.strictEqual(run.attempt("gate"), 2)
    const [answer] = run.state.answers.get("gate") ?? []
    assert.deepInclude(answer, { answer: inline("the red one"), by: "ana" })
    run.fail("gate", { retryable: true })
    assert.strictEqual(run.status("gate"), "retrying")
  })

  it("counts a repeated hand-in of the same question once (K3)", () => {
    const run = asked()
    decide(run, "answer", { data: 1 })
    const again: Command = {
      type: "CompleteStep",
      at: ++run.at,
      path: "gate",
      attempt: 1,
      outcome: { ok: "asks", question: { question: "Which one?" } }
    }
    assert.deepStrictEqual(run.ask(again), [])
  })

  it("fails the step when people refuse it or time runs out, and goes on with null where it may", () => {
    const refused = asked()
    decide(refused, "reject")
    assert.strictEqual(refused.state.finished?.code, "QUESTION_REFUSED")
    const late = asked({ timeoutMs: 1000 })
    late.ring()
    assert.strictEqual(late.status("gate"), "failed")
    const on = asked({ timeoutMs: 1000, onTimeout: "approve" })
    on.ring()
    assert.deepStrictEqual(on.state.answers.get("gate")?.[0]?.answer, inline(null))
  })

  it("may be asked by an item of a map, which waits while the others go on", () => {
    const run = new RunDriver(
      flow([{ id: "all", type: "map", over: [1, 2], each: { type: "function", function: "f" } } as Flow.Node])
    )
    run.answer("all[0]", { ok: "asks", question: { question: "And now?", timeoutMs: 5000 } })
    assert.deepStrictEqual(Doors.doors(run.state).map(({ path }) => path), ["all[0]"])
    assert.deepStrictEqual(Outstanding.timers(run.state).map(({ kind, path }) => [kind, path]), [["timeout", "all[0]"]])
    assert.deepStrictEqual(Invariants.violations(run.state), [])
    run.succeed("all[1]", 2)
    decide(run, "answer", { path: "all[0]", data: "go" })
    run.succeed("all[0]", 1)
    run.succeed("all", {})
    assert.strictEqual(run.state.finished?.status, "succeeded")
  })

  it("is refused when it cannot be put, and after too many", () => {
    const bad = asked({ question: " " })
    assert.strictEqual(bad.state.finished?.code, "QUESTION_INVALID")
    const form = asked({ form: { type: "nonsense" } })
    assert.strictEqual(form.state.finished?.code, "QUESTION_INVALID")
    const run = asked()
    for (let count = 1; count < 20; count++) {
      decide(run, "answer", { data: count })
      run.answer("gate", { ok: "asks", question: { question: "More?" } })
    }
    decide(run, "answer", { data: 20 })
    run.answer("gate", { ok: "asks", question: { question: "More?" } })
    assert.strictEqual(run.state.finished?.code, "QUESTIONS_MAX")
  })
})

/** Approvals through the client: in the run's own process, from another one, and where nobody owns the run. */
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { Client } from "@baton/contract/Client"
import type { Json } from "@baton/kernel/Value"
import { fromRecord, type FunctionHandler } from "@baton/steps/FunctionHandlers"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-approvals-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const baton = (data: string, functions: { readonly [name: string]: FunctionHandler } = {}, execute = true) =>
  Local.layer({
    data,
    handlers: Object.keys(functions).length === 0 ? undefined : Result.getOrThrow(fromRecord(functions)),
    adopt: false,
    execute,
    outputRoot: join(data, "output")
  })

const start = (text: string, input: Json = {}) =>
  Effect.flatMap(Client, (client) => client.start({ flow: { text, file: "flow.yaml" }, input }))

/** Waits until the run waits for people. */
const asked = (run: string) =>
  Effect.gen(function*() {
    const client = yield* Client
    yield* client.events(run, { after: 0, follow: true }).pipe(
      Stream.takeUntil((envelope) => envelope.type === "orchestration.checkpoint.requested"),
      Stream.runDrain
    )
    return yield* Effect.flatMap(ApprovalsClient, (approvals) => approvals.list({ run, limit: 10 }))
  })

const ended = (run: string) =>
  Effect.gen(function*() {
    const client = yield* Client
    yield* Stream.runDrain(client.events(run, { after: 0, follow: true }))
    return yield* client.show(run)
  })

const gate = `name: gated
nodes:
  gate:
    approval: "Post \${ input.text.size() } characters?"
    input: { text: "\${ input.text }" }
    form: { type: object, properties: { title: { type: string } } }
    quorum: 2
  post: { needs: [gate.approved], value: { text: "\${ needs.gate.input.text }", title: "\${ needs.gate.data.title }" } }
output: "\${ nodes.post.output }"
`

describe("approvals", () => {
  it.live("are listed, shown as they were asked, voted and decided, and closed", () =>
    Effect.gen(function*() {
      const approvals = yield* ApprovalsClient
      const text = "long ".repeat(1000)
      const { id: run } = yield* start(gate, { text })
      const [item] = yield* asked(run)
      assert.deepInclude(item, { run, path: "gate", kind: "approval", title: "Post 5000 characters?", flow: "gated" })
      const shown = yield* approvals.show({ target: run })
      assert.deepInclude(shown, { status: "open", input: { text }, quorum: 2, requester: "local" })
      const voted = yield* approvals.decide({ target: shown.id }, { decision: "approve", by: "ana", hash: shown.hash })
      assert.deepInclude(voted, { status: "open", decision: null })
      assert.deepStrictEqual(voted.votes.map(({ by }) => by), ["ana"])
      const step = (yield* (yield* Client).show(run)).steps[0]
      assert.deepInclude(step?.waitsFor, { reason: "approval" })
      const decided = yield* approvals.decide({ target: run, step: "gate" }, {
        decision: "approve",
        by: "ben",
        data: { title: "A" },
        comment: "fine"
      })
      assert.deepInclude(decided.decision, { decision: "approve", by: "ben", comment: "fine" })
      assert.deepInclude(yield* ended(run), { status: "succeeded", output: { text, title: "A" } })
      assert.deepStrictEqual(yield* approvals.list({ limit: 10 }), [])
      assert.strictEqual((yield* approvals.list({ closed: true, limit: 10 }))[0]?.id, shown.id)
      const late = yield* Effect.flip(approvals.decide({ target: shown.id.slice(0, 20) }, { decision: "reject" }))
      assert.deepInclude(late, { code: "ALREADY_DECIDED", reason: "conflict" })
      assert.include(late.message, "ben approved at")
      assert.deepInclude(yield* approvals.show({ target: shown.id }), { status: "decided", input: { text } })
    }).pipe(Effect.provide(baton(":memory:"))))

  it.live("lets exactly one of many decide at once", () =>
    Effect.gen(function*() {
      const approvals = yield* ApprovalsClient
      const { id: run } = yield* start("name: one\nnodes: { gate: { approval: \"Go?\" } }\n")
      yield* asked(run)
      const people = Array.from({ length: 20 }, (_, index) => `p${index}`)
      const codes = yield* Effect.forEach(people, (by, index) =>
        approvals.decide({ target: run, step: "gate" }, { decision: index % 2 === 0 ? "approve" : "reject", by }).pipe(
          Effect.as("decided"),
          Effect.catch((error) =>
            Effect.succeed(error.code)
          )
        ), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        codes.filter((code) =>
          code === "decided"
        ).length,
        1
      )
      assert.isTrue(codes.every((code) => code === "decided" || code === "ALREADY_DECIDED"), codes.join())
    }).pipe(Effect.provide(baton(":memory:"))))

  it.live("are decided from another process while the owner lives", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const { id: run } = yield* start(
          "name: one\nnodes: { gate: { approval: \"Go?\", approvers: [\"group:a\"] } }\n"
        )
        yield* asked(run)
        yield* Effect.gen(function*() {
          const approvals = yield* ApprovalsClient
          const refused = yield* Effect.flip(approvals.decide({ target: run }, { decision: "approve" }))
          assert.deepInclude(refused, { code: "NOT_AN_APPROVER", reason: "denied" })
          const decided = yield* approvals.decide({ target: run }, { decision: "approve", groups: ["a"] })
          assert.deepInclude(decided, { status: "decided", resume: null })
        }).pipe(Effect.provide(baton(data, {}, false), { local: true }))
        assert.strictEqual((yield* ended(run)).status, "succeeded")
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))

  it.live("are decided where nobody owns the run; a refused decision leaves the run as it was", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const run = yield* Effect.gen(function*() {
        const { id } = yield* start("name: one\nnodes: { gate: { approval: \"Go?\", form: { required: [n] } } }\n")
        yield* asked(id)
        return id
      }).pipe(Effect.provide(baton(data)))
      yield* Effect.gen(function*() {
        const [approvals, client] = [yield* ApprovalsClient, yield* Client]
        const before = yield* client.show(run)
        for (
          const decision of [{ decision: "approve" }, { decision: "nonsense" }, { decision: "approve", hash: "x" }]
        ) {
          yield* Effect.flip(approvals.decide({ target: run }, decision))
        }
        assert.strictEqual((yield* client.show(run)).seq, before.seq)
        const decided = yield* approvals.decide({ target: run }, { decision: "approve", data: { n: 1 } })
        assert.strictEqual(decided.status, "decided")
        assert.strictEqual((yield* client.show(run)).status, "succeeded")
        const late = yield* Effect.flip(approvals.decide({ target: run }, { decision: "reject", by: "ben" }))
        assert.deepInclude(late, { code: "ALREADY_DECIDED", reason: "conflict" })
        assert.include(late.message, "local approved at")
      }).pipe(Effect.provide(baton(data, {}, false)))
    }).pipe(Effect.scoped))

  it.live("are listed beside what waits for an operator, which is decided elsewhere", () =>
    Effect.gen(function*() {
      const [approvals, client] = [yield* ApprovalsClient, yield* Client]
      const { id: run } = yield* start("name: one\nnodes: { broken: { value: \"${ input.none }\", onFailure: ask } }\n")
      while ((yield* client.show(run)).status !== "waiting") yield* Effect.sleep(1)
      const [item] = yield* approvals.list({ limit: 9 })
      assert.deepInclude(item, { kind: "operator", path: "broken", run })
      assert.include(item?.door, "retry|skip|abort")
      const refused = yield* Effect.flip(approvals.decide({ target: item?.id ?? "" }, { decision: "approve" }))
      assert.deepInclude(refused, { code: "NOT_AN_APPROVAL", reason: "conflict" })
      yield* client.resolveStep(run, "broken", "skip", {})
      assert.deepStrictEqual(yield* approvals.list({ limit: 9 }), [])
    }).pipe(Effect.provide(baton(":memory:"))))

  it.live("are void after a cancel, and say so", () =>
    Effect.gen(function*() {
      const [approvals, client] = [yield* ApprovalsClient, yield* Client]
      const { id: run } = yield* start("name: one\nnodes: { gate: { approval: \"Go?\" } }\n")
      const [item] = yield* asked(run)
      yield* client.cancel(run, undefined)
      const refused = yield* Effect.flip(approvals.decide({ target: item?.id ?? "" }, { decision: "approve" }))
      assert.strictEqual(refused.code, "APPROVAL_VOID")
      assert.strictEqual((yield* approvals.show({ target: item?.id ?? "" })).status, "void")
    }).pipe(Effect.provide(baton(":memory:"))))

  it.live("let a function ask, go on with the answer, and a checkpoint send it back with another input", () =>
    Effect.gen(function*() {
      const [approvals, client] = [yield* ApprovalsClient, yield* Client]
      const { id: run } = yield* start(
        "name: asks\nnodes:\n  plan: { function: plan, input: { tone: dry }, checkpointAfter: true }\n" +
          "output: \"${ nodes.plan.output }\"\n"
      )
      const [question] = yield* asked(run)
      assert.deepInclude(question, { kind: "question", title: "Which colour?" })
      const wrong = yield* Effect.flip(approvals.decide({ target: run }, { decision: "purple" }))
      assert.strictEqual(wrong.code, "DECISION_INVALID")
      yield* approvals.decide({ target: run }, { decision: "red", by: "ana" })
      const checkpoint = (ask: string) =>
        client.events(run, { after: 0, follow: true }).pipe(
          Stream.takeUntil(({ data }) => JSON.stringify(data).includes(ask)),
          Stream.runDrain
        )
      yield* checkpoint("\"ask\":\"checkpoint\"")
      assert.deepInclude(yield* approvals.show({ target: run }), { output: "dry red by ana", input: { tone: "dry" } })
      yield* approvals.decide({ target: run }, { decision: "retry", modifications: { tone: "warm" } })
      yield* checkpoint("\"attempt\":3")
      yield* checkpoint("warm red by ana")
      yield* approvals.decide({ target: run }, { decision: "continue" })
      assert.deepInclude(yield* ended(run), { status: "succeeded", output: "warm red by ana" })
    }).pipe(Effect.provide(baton(":memory:", {
      plan: async (input, context) => {
        const [answer] = await context.answers()
        if (answer === undefined) return context.ask({ question: "Which colour?", options: ["red", "blue"] })
        const { chosen } = answer.answer as { readonly chosen: string }
        return `${(input as { readonly tone: string }).tone} ${chosen} by ${answer.by}`
      }
    }))))
})

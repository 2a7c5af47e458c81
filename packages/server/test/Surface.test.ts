/** The HTTP surface as any program meets it: routes, lists, preconditions, keys, and problems for all that is wrong. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { join } from "node:path"
import * as Idempotency from "../src/http/Idempotency.ts"
import * as Local from "../src/Local.ts"
import { type Answer, assertProblem, folder, serve, type Served } from "./Served.ts"

const served = (title: string, body: (server: Served) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(title, () => Effect.scoped(Effect.flatMap(Effect.flatMap(folder, serve), body)), 60_000)

const hello = { name: "hello", version: "1.0.0", nodes: { greet: { value: "hello ${ input.name }" } } }
const ask = {
  name: "ask",
  version: "1.0.0",
  nodes: { a: { value: 1 }, ok: { approval: "Ship?", needs: ["a"] }, b: { value: 2, needs: ["ok.approved"] } }
}
const fails = {
  name: "fails",
  nodes: {
    all: {
      map: "${ [1] }",
      each: { value: "${ item.missing }", onFailure: "ask" }
    }
  }
}

/** A patch that adds a step behind `a`. */
const adding = (id: string) => ({
  operations: [
    { op: "add", path: "/nodes/-", value: { id, type: "transform", value: 3 } },
    { op: "add", path: "/edges/-", value: { from: "a", to: id } }
  ]
})

const runsAt = (server: Served, id: string, status: string) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 1_000; tries++) {
      const shown = yield* server.get(`/api/v1/runs/${id}`)
      if (shown.json.status === status) return shown.json
      yield* Effect.sleep("10 millis")
    }
    return assert.fail(`${id} is never ${status}`)
  })

const waiting = (server: Served) =>
  Effect.gen(function*() {
    const { json } = yield* server.post("/api/v1/runs", { flow: ask })
    yield* runsAt(server, json.id, "waiting")
    return json.id as string
  })

describe("runs over HTTP", () => {
  served(
    "answer 201 when they are durable, and are found by id, by the beginning of one, and as the last",
    (server) =>
      Effect.gen(function*() {
        const made = yield* server.post("/api/v1/runs", { flow: hello, input: { name: "Ada" }, tags: { team: "x" } })
        assert.strictEqual(made.status, 201)
        assert.deepInclude(made.json, { schema: "baton.run/1", flow: "hello", tags: { team: "x" } })
        const done = yield* runsAt(server, made.json.id, "succeeded")
        assert.deepStrictEqual(done.output, { greet: "hello Ada" })
        const { json: resolved } = yield* server.get("/api/v1/runs/resolve?text=@last")
        assert.deepStrictEqual(resolved, { id: made.json.id })
        assert.strictEqual((yield* server.get("/api/v1/runs/@last")).json.id, made.json.id)
      })
  )

  served("are listed in pages, and an unknown cursor is refused", (server) =>
    Effect.gen(function*() {
      const ids: Array<string> = []
      for (let index = 0; index < 5; index++) ids.unshift((yield* server.post("/api/v1/runs", { flow: hello })).json.id)
      const seen: Array<string> = []
      for (let next: string | null = ""; next !== null;) {
        const page: Answer = yield* server.get(`/api/v1/runs?limit=2${next === "" ? "" : `&after=${next}`}`)
        assert.isAtMost(page.json.items.length, 2)
        seen.push(...page.json.items.map(({ id }: { id: string }) => id))
        next = page.json.next
      }
      assert.deepStrictEqual(seen, ids)
      assertProblem(yield* server.get("/api/v1/runs?after=run_nobody"), 400, "CURSOR_UNKNOWN")
      assertProblem(yield* server.get("/api/v1/runs?limit=0"), 400, "REQUEST_INVALID")
      assertProblem(yield* server.get("/api/v1/runs?limti=2"), 400, "REQUEST_INVALID")
      assertProblem(yield* server.get(`/api/v1/runs/${ids[0]}/events?after=x`), 400, "CURSOR_UNKNOWN")
    }))

  served(
    "have steps whose paths are one percent-encoded segment, whatever is in them",
    (server) =>
      Effect.gen(function*() {
        const { json: run } = yield* server.post("/api/v1/runs", { flow: fails })
        yield* runsAt(server, run.id, "waiting")
        const step = (path: string, action: string, body: object = {}) =>
          server.post(`/api/v1/runs/${run.id}/steps/${encodeURIComponent(path)}/${action}`, body)
        for (const path of ["all[0]/x#2", "a?b=c&d", "é/\u{1f600}", "x".repeat(900)]) {
          assertProblem(yield* step(path, "skip"), 404, "STEP_NOT_FOUND", path)
        }
        assertProblem(yield* step("all[0]", "skip", { ouput: 1 }), 400, "REQUEST_INVALID")
        assert.strictEqual((yield* step("all[0]", "skip", { output: { by: "hand" } })).status, 204)
        const done = yield* runsAt(server, run.id, "warned")
        assert.deepStrictEqual(done.output.all.items, [{ by: "hand" }])
      })
  )
})

describe("If-Match", () => {
  served("lets a patch through for the revision that was read, and for no other", (server) =>
    Effect.gen(function*() {
      const id = yield* waiting(server)
      const plan = yield* server.get(`/api/v1/runs/${id}/plan`)
      assert.deepStrictEqual([plan.headers.get("etag"), plan.json.revision], ["\"0\"", 0])
      const path = `/api/v1/runs/${id}/patches`
      const c = adding("c")
      assertProblem(yield* server.post(path, c, { "if-match": "\"7\"" }), 412, "PATCH_STALE")
      assertProblem(yield* server.post(path, c, { "if-match": "7" }), 400, "PRECONDITION_INVALID")
      assertProblem(yield* server.post(path, { ...c, base: 1 }, { "if-match": "\"0\"" }), 400, "PRECONDITION_INVALID")
      assert.strictEqual((yield* server.post(path, c, { "if-match": "\"0\"" })).status, 201)
      assertProblem(yield* server.post(path, adding("d"), { "if-match": "\"0\"" }), 412, "PATCH_STALE")
      assertProblem(yield* server.post(path, { ...adding("d"), base: 0 }), 409, "PATCH_STALE")
      assert.strictEqual((yield* server.get(`/api/v1/runs/${id}/plan`)).headers.get("etag"), "\"1\"")
    }))

  served("binds a decision to what was shown", (server) =>
    Effect.gen(function*() {
      const id = yield* waiting(server)
      const shown = yield* server.get(`/api/v1/approvals/${id}`)
      const tag = shown.headers.get("etag") ?? ""
      assert.strictEqual(tag, `"${shown.json.hash}"`)
      const path = `/api/v1/approvals/${shown.json.id}/decide`
      assertProblem(
        yield* server.post(path, { decision: "approve" }, { "if-match": `"${"0".repeat(64)}"` }),
        412,
        "APPROVAL_CHANGED"
      )
      assertProblem(yield* server.post(path, { decision: "approve", by: "ana" }), 400, "REQUEST_INVALID")
      const decided = yield* server.post(path, { decision: "approve" }, { "if-match": tag })
      assert.deepInclude(decided.json.decision, { decision: "approve", by: "local" })
      assertProblem(yield* server.post(path, { decision: "approve" }), 409, "ALREADY_DECIDED")
    }))
})

describe("Idempotency-Key", () => {
  const count = (server: Served) => Effect.map(server.get("/api/v1/runs"), ({ json }) => json.items.length as number)

  served("makes one run of a request that comes again, and gives the same answer", (server) =>
    Effect.gen(function*() {
      const body = { flow: hello, input: { name: "Ada" } }
      const first = yield* server.post("/api/v1/runs", body, { "idempotency-key": "k1" })
      yield* runsAt(server, first.json.id, "succeeded")
      const again = yield* server.post("/api/v1/runs", body, { "idempotency-key": "k1" })
      assert.deepStrictEqual([again.status, again.text], [201, first.text])
      assert.deepStrictEqual(
        [first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")],
        [null, "true"]
      )
      const other = yield* server.post("/api/v1/runs", { ...body, input: {} }, { "idempotency-key": "k1" })
      assertProblem(other, 409, "IDEMPOTENCY_KEY_REUSED")
      assert.strictEqual(yield* count(server), 1)
    }))

  served("makes one run of requests that come at once", (server) =>
    Effect.gen(function*() {
      const answers = yield* Effect.all(
        Array.from({ length: 12 }, () => server.post("/api/v1/runs", { flow: hello }, { "idempotency-key": "same" })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1)
      assert.strictEqual(answers.filter(({ headers }) => headers.has("idempotency-replayed")).length, 11)
      assert.strictEqual(yield* count(server), 1)
    }))

  served(
    "is free again when the request was refused, and holds for forks, retries and patches too",
    (server) =>
      Effect.gen(function*() {
        const key = { "idempotency-key": "k2" }
        assertProblem(yield* server.post("/api/v1/runs", { flow: "nobody" }, key), 404, "FLOW_MISSING")
        assert.strictEqual((yield* server.post("/api/v1/runs", { flow: hello }, key)).status, 201)
        const id = yield* waiting(server)
        const forks = [1, 2].map(() => server.post(`/api/v1/runs/${id}/fork`, {}, { "idempotency-key": "k3" }))
        const [one, other] = yield* Effect.all(forks)
        assert.deepStrictEqual([one?.status, other?.text], [201, one?.text])
        const patches = [1, 2].map(() =>
          server.post(`/api/v1/runs/${id}/patches`, adding("c"), { "idempotency-key": "k4" })
        )
        const [first, second] = yield* Effect.all(patches)
        assert.deepStrictEqual([first?.status, second?.text], [201, first?.text])
        assert.strictEqual((yield* server.get(`/api/v1/runs/${id}/patches`)).json.items.length, 1)
        assertProblem(yield* server.post("/api/v1/runs", {}, { "idempotency-key": "k 5" }), 400, "REQUEST_INVALID")
      })
  )

  it.live(
    "makes one run where the server died between the key and the run, and where two servers are asked at once",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const data = yield* folder
        const body = { flow: hello }
        const wanted = {
          key: "dead",
          fingerprint: Idempotency.fingerprintOf(["runs", body]),
          made: "run_promised",
          at: 0
        }
        const before = Local.hostLayer({ data, handlers: undefined, outputRoot: join(data, "output"), adopt: false })
        yield* Effect.flatMap(
          Local.Host,
          ({ keys, parts }) => keys.reserve("default", { ...wanted, at: parts.clock.currentTimeMillisUnsafe() })
        ).pipe(Effect.provide(before))
        const [one, other] = [yield* serve(data), yield* serve(data)]
        const answers = yield* Effect.all(
          [one, other, one, other].map((server) => server.post("/api/v1/runs", body, { "idempotency-key": "dead" })),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers.map(({ json, status }) => [status, json.id]),
          answers.map(() => [201, "run_promised"])
        )
        assert.strictEqual(yield* count(one), 1)
      })),
    60_000
  )
})

describe("what no endpoint answers", () => {
  served("is a problem: unknown routes, wrong methods, unknown content types", (server) =>
    Effect.gen(function*() {
      assertProblem(yield* server.get("/nope"), 404, "ROUTE_NOT_FOUND")
      assertProblem(yield* server.get("/api/v1/runs/a/b/c/d"), 404, "ROUTE_NOT_FOUND")
      assertProblem(yield* server.get(`/api/v1/runs/${"x".repeat(5_000)}`), 404, "ROUTE_NOT_FOUND")
      const wrong = yield* server.send("DELETE", "/api/v1/flows")
      assertProblem(wrong, 405, "METHOD_NOT_ALLOWED")
      assert.strictEqual(wrong.headers.get("allow"), "GET, HEAD, OPTIONS, POST")
      assertProblem(yield* server.send("PUT", "/api/v1/runs/run_1"), 405, "METHOD_NOT_ALLOWED")
      const text = yield* server.send("POST", "/api/v1/runs", { body: "x", headers: { "content-type": "text/plain" } })
      assertProblem(text, 415, "CONTENT_TYPE_UNSUPPORTED")
      assertProblem(yield* server.get("/api/v1/runs/run_nobody"), 404, "RUN_NOT_FOUND")
      assertProblem(yield* server.get(`/api/v1/blobs/sha256:${"0".repeat(64)}`), 404, "BLOB_MISSING")
      assertProblem(yield* server.get("/api/v1/blobs/x"), 404, "BLOB_MISSING")
    }))
})

describe("the short routes", () => {
  served("do what they are short for", (server) =>
    Effect.gen(function*() {
      const made = yield* server.post("/runs", { flow: ask })
      assert.strictEqual(made.status, 201)
      yield* runsAt(server, made.json.id, "waiting")
      const condition = { "if-match": "\"7\"" }
      assertProblem(yield* server.post(`/runs/${made.json.id}/patch`, adding("c"), condition), 412, "PATCH_STALE")
      assert.strictEqual((yield* server.post(`/runs/${made.json.id}/patch`, adding("c"))).status, 201)
      const decided = yield* server.post(`/approvals/${made.json.id}/decide`, { decision: "approve" })
      assert.deepInclude(decided.json.decision, { decision: "approve" })
      yield* runsAt(server, made.json.id, "succeeded")
      assert.strictEqual((yield* server.get("/problems/stale")).json.codes.length, 2)
      assert.property((yield* server.get("/schemas/flow.json")).json, "$schema")
    }))
})

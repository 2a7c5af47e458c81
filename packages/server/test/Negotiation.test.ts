/** Lists, cursors, times, places and forms of answers: what a program may rely on, and what it is told when it is wrong. */
import { doorKinds } from "@baton/kernel/Doors"
import { reasons } from "@baton/kernel/ExplainWait"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Accepted from "../src/http/Accepted.ts"
import { assertProblem, folder, serve, type Served } from "./Served.ts"

const served = (title: string, body: (server: Served) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(title, () => Effect.scoped(Effect.flatMap(Effect.flatMap(folder, serve), body)), 60_000)

const hello = { name: "hello", version: "1.0.0", nodes: { a: { value: 1 }, ok: { approval: "?", needs: ["a"] } } }

describe("Accept", () => {
  it("is read as RFC 9110 says", () => {
    const forms: ReadonlyArray<readonly [accept: string | undefined, form: string | undefined]> = [
      [undefined, Accepted.json],
      ["", Accepted.json],
      ["*/*", Accepted.json],
      ["application/*", Accepted.json],
      ["text/*", Accepted.events],
      ["text/event-stream", Accepted.events],
      ["TEXT/Event-Stream", Accepted.events],
      ["text/event-stream, */*", Accepted.events],
      ["application/json, text/event-stream", Accepted.json],
      ["application/json, text/event-stream;q=0.5", Accepted.json],
      ["application/json;q=0.1, text/event-stream; q=0.5", Accepted.events],
      ["*/*, text/event-stream;q=0", Accepted.json],
      ["text/event-stream;q=0", undefined],
      ["application/xml", undefined],
      ["application/json;q=2", undefined],
      ["garbage", undefined]
    ]
    for (const [accept, form] of forms) assert.strictEqual(Accepted.form(accept), form, String(accept))
  })

  served("that takes neither a page nor a stream is answered 406", (server) =>
    Effect.gen(function*() {
      const { json: { id } } = yield* server.post("/api/v1/runs", { flow: hello })
      for (const list of ["events", "logs"]) {
        const path = `/api/v1/runs/${id}/${list}`
        const get = (accept: string) => server.send("GET", path, { headers: { accept } })
        assertProblem(yield* get("application/xml"), 406, "NOT_ACCEPTABLE")
        assert.strictEqual((yield* get("application/json, text/event-stream;q=0.5")).status, 200)
      }
    }))
})

describe("what was made", () => {
  served("is where Location says", (server) =>
    Effect.gen(function*() {
      const there = (answer: { readonly status: number; readonly headers: Headers; readonly text: string }) => {
        assert.strictEqual(answer.status, 201, answer.text)
        const location = answer.headers.get("location") ?? ""
        assert.match(location, /^\/api\/v1\//)
        return server.get(location)
      }
      const key = { "idempotency-key": "one" }
      const first = yield* server.post("/api/v1/runs", { flow: hello }, key)
      const { id } = (yield* there(first)).json
      assert.strictEqual(id, first.json.id)
      const again = yield* server.post("/runs", { flow: hello }, key)
      assert.strictEqual(again.headers.get("location"), first.headers.get("location"))
      assert.strictEqual((yield* there(yield* server.post("/api/v1/flows", { flow: hello }))).json.version, "1.0.0")
      const fork = yield* server.post(`/api/v1/runs/${id}/fork`, {})
      assert.strictEqual((yield* there(fork)).json.id, fork.json.document.id)
      const patch = yield* server.post(`/api/v1/runs/${id}/patches`, {
        operations: [
          { op: "add", path: "/nodes/-", value: { id: "c", type: "transform", value: 3 } },
          { op: "add", path: "/edges/-", value: { from: "ok", to: "c" } }
        ]
      })
      assert.strictEqual((yield* there(patch)).json.patch.id, patch.json.patch.id)
      const revert = yield* server.post(`/api/v1/patches/${patch.json.patch.id}/revert?run=${id}`, {})
      assert.strictEqual((yield* there(revert)).json.patch.id, revert.json.patch.id)
    }))
})

describe("a list", () => {
  served("takes a limit in digits, and nothing that only looks like one", (server) =>
    Effect.gen(function*() {
      for (
        const limit of ["0", "-1", "1001", "1000000000", "abc", "1.5", "", "1e2", "0x10", "%205", "05", "1&limit=2"]
      ) {
        for (const path of ["runs", "approvals", "deadletters", "waits", "usage"]) {
          const answer = yield* server.get(`/api/v1/${path}?limit=${limit}`)
          assertProblem(answer, 400, "REQUEST_INVALID", `${path} ${limit}`)
        }
      }
      assert.strictEqual((yield* server.get("/api/v1/runs?limit=1000")).status, 200)
    }))

  served("refuses a cursor that it has not given", (server) =>
    Effect.gen(function*() {
      const { json: { id } } = yield* server.post("/api/v1/runs", { flow: hello })
      const cursors = [
        "runs?after=x",
        "runs?after=",
        "deadletters?after=dl_9",
        "deadletters?after=x",
        "approvals?after=x"
      ]
      const ofRun = ["steps?after=99", "steps?after=-1", "events?after=99", "events?after=x", "logs?after=x"]
      for (const path of [...cursors, ...ofRun.map((list) => `runs/${id}/${list}`)]) {
        assertProblem(yield* server.get(`/api/v1/${path}`), 400, "CURSOR_UNKNOWN", path)
      }
    }))

  served("of waits knows every reason, and no other", (server) =>
    Effect.gen(function*() {
      for (const reason of [...reasons, ...doorKinds]) {
        assert.strictEqual((yield* server.get(`/api/v1/waits?reason=${reason}`)).status, 200, reason)
      }
      const refused = yield* server.get("/api/v1/waits?reason=aproval")
      assertProblem(refused, 400, "REASON_UNKNOWN")
      assert.include(refused.json.hint, "approval")
    }))

  served("of the versions of a flow that is none is not there", (server) =>
    Effect.gen(function*() {
      assertProblem(yield* server.get("/api/v1/flows/nobody/versions"), 404, "FLOW_MISSING")
    }))
})

describe("a time", () => {
  served("is RFC 3339, and nothing that a lenient reader would make one of", (server) =>
    Effect.gen(function*() {
      for (
        const since of ["1", "2026", "yesterday", "2026-1-1", "2026-02-30T25:00:00Z", "Sat, 21 Nov 2026 10:00:00 GMT"]
      ) {
        assertProblem(yield* server.get(`/api/v1/runs?since=${encodeURIComponent(since)}`), 400, "TIME_INVALID", since)
        assertProblem(yield* server.post("/api/v1/runs/prune", { before: since }), 400, "TIME_INVALID", since)
      }
      for (const since of ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"]) {
        assert.strictEqual((yield* server.get(`/api/v1/runs?since=${encodeURIComponent(since)}`)).status, 200, since)
      }
    }))
})

/** What a hostile client sends gets a problem, or is kept as plain data; the server answers the next request. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { assertProblem, folder, serve, type Served } from "./Served.ts"

interface Case {
  readonly name: string
  readonly raw: string
  readonly why: string
}

const cases: ReadonlyArray<Case> = readFileSync(
  new URL("../../../test/corpora/hostile-json.jsonl", import.meta.url),
  "utf8"
).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))

const echo = { name: "echo", nodes: { same: { value: "${ input }" } } }

/** Cases of the corpus that no input may be, by the code that they are refused with. */
const refusals = {
  JSON_AMBIGUOUS: ["duplicate-keys", "big-int", "int-2-53", "exp-overflow"],
  JSON_NUL: ["nul-in-string", "nul-in-key"],
  JSON_SURROGATE: ["lone-surrogate", "swapped-surrogates"],
  REQUEST_INVALID: ["trailing", "nan", "comment", "single-quotes", "empty", "bom"]
}

/** Cases that are data like any other. */
const kept = [
  "proto-key",
  "constructor-prototype",
  "proto-nested",
  "inherited-names",
  "float-forms",
  "keys-unicode-nfc",
  "line-separators",
  "crlf-in-event",
  "html",
  "rtl",
  "log-injection",
  "ansi",
  "csv-formula",
  "template"
]

/** Bodies that put a hostile document everywhere a document may stand. */
const bodies = (raw: string): ReadonlyArray<readonly [path: string, body: string]> => [
  ["/api/v1/runs", raw],
  ["/api/v1/runs", `{"flow":${JSON.stringify(echo)},"input":${raw}}`],
  ["/api/v1/runs", `{"flow":${raw}}`],
  ["/api/v1/runs", `{"flow":{"name":"x","nodes":${raw}}}`],
  ["/api/v1/runs", `{"flow":${JSON.stringify({ text: raw })}}`],
  ["/api/v1/flows", `{"flow":${raw}}`],
  ["/api/v1/flows/check", `{"flow":${raw}}`],
  ["/api/v1/runs/RUN/send", `{"name":"ack","data":${raw}}`],
  ["/api/v1/runs/RUN/patches", `{"operations":${raw}}`],
  ["/api/v1/approvals/RUN/decide", `{"decision":"approve","data":${raw}}`],
  ["/api/v1/runs/RUN/steps/ok/retry", `{"modifications":${raw}}`],
  ["/api/v1/runs/RUN/fork", `{"input":${raw}}`],
  ["/api/v1/runs/RUN/fork", `{"set":${raw}}`]
]

const waiting = (server: Served) =>
  Effect.map(
    server.post("/api/v1/runs", { flow: { name: "waits", nodes: { ok: { wait: { event: "nobody" } } } } }),
    ({ json }) => json.id as string
  )

const alive = (server: Served, about: string) =>
  Effect.map(server.get("/api/v1/runs?limit=1"), ({ status }) => assert.strictEqual(status, 200, about))

describe("a hostile request", () => {
  it.live(
    "is answered with a problem or taken as data, wherever the document stands",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* serve(yield* folder)
        const run = yield* waiting(server)
        for (const { name, raw, why } of cases) {
          for (const [path, body] of bodies(raw)) {
            const about = `${name} (${why}) at ${path}`
            const answer = yield* server.send("POST", path.replace("RUN", run), { body })
            assert.isBelow(answer.status, 500, `${about}: ${answer.text.slice(0, 300)}`)
            if (answer.status >= 400) assertProblem(answer, answer.status, answer.json?.code, about)
            assert.match(answer.json?.code ?? "FINE", /^[A-Z][A-Z0-9_]+$/, about)
          }
          assert.notProperty({}, "admin", name)
          yield* alive(server, name)
        }
      })),
    240_000
  )

  it.live(
    "is refused with a pointer where a member is unknown, missing, or of the wrong type",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* serve(yield* folder)
        const pointers = (body: unknown) =>
          Effect.map(server.post("/api/v1/runs", body), (answer) => {
            assertProblem(answer, 400, "REQUEST_INVALID")
            return answer.json.errors.map(({ in: place, pointer }: Record<string, string>) => `${place}${pointer}`)
          })
        assert.deepStrictEqual(yield* pointers({ flow: "x", inptu: 1, tags: { a: 1 } }), ["body/inptu", "body/tags/a"])
        assert.deepStrictEqual(yield* pointers({}), ["body/flow"])
        assert.deepStrictEqual(yield* pointers([]), ["body"])
        assert.deepStrictEqual(yield* pointers("{"), ["body"])
        assert.deepStrictEqual(yield* pointers({ flow: "x", budget: { usd: "much" }, model: 7 }), [
          "body/budget/usd",
          "body/model"
        ])
      })),
    60_000
  )

  it.live(
    "with a hostile document as its input is refused, or the document comes back as it was",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* serve(yield* folder)
        const finished = Effect.fnUntraced(function*(id: string) {
          for (let tries = 0; tries < 1_000; tries++) {
            const { json } = yield* server.get(`/api/v1/runs/${id}`)
            if (json.endedAt !== null) return json
            yield* Effect.sleep("10 millis")
          }
          return assert.fail(`${id} does not end`)
        })
        const raws = new Map(cases.map(({ name, raw }) => [name, raw]))
        for (const [code, names] of Object.entries(refusals)) {
          for (const name of names) {
            const body = `{"flow":${JSON.stringify(echo)},"input":${raws.get(name)}}`
            assertProblem(yield* server.send("POST", "/api/v1/runs", { body }), 400, code, name)
          }
        }
        for (const name of kept) {
          const raw = raws.get(name) ?? assert.fail(name)
          const started = yield* server.send("POST", "/api/v1/runs", {
            body: `{"flow":${JSON.stringify(echo)},"input":${raw}}`
          })
          assert.strictEqual(started.status, 201, `${name}: ${started.text}`)
          const { input, output } = yield* finished(started.json.id)
          assert.deepStrictEqual([input, output.same], [JSON.parse(raw), JSON.parse(raw)], name)
        }
      })),
    60_000
  )

  it.live("can be as deep, as wide and as long as it likes", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* serve(yield* folder)
      const nest = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
      const objects = (depth: number) => `${"{\"a\":".repeat(depth)}1${"}".repeat(depth)}`
      for (const bomb of [nest(100_000), objects(100_000), nest(1_000), objects(200)]) {
        const body = `{"flow":${JSON.stringify(echo)},"input":${bomb}}`
        assertProblem(yield* server.send("POST", "/api/v1/runs", { body }), 400, "JSON_TOO_DEEP", bomb.slice(0, 20))
        const top = yield* server.send("POST", "/api/v1/runs", { body: bomb })
        assert.isBelow(top.status, 500, top.text.slice(0, 200))
        const flow = yield* server.send("POST", "/api/v1/runs", { body: `{"flow":{"name":"x","nodes":${bomb}}}` })
        assert.isBelow(flow.status, 500, flow.text.slice(0, 200))
      }
      yield* alive(server, "after bombs")
    })), 120_000)
})

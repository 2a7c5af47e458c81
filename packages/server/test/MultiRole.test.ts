/** One question, two agents: `POST /api/v1/multi-role/ask-stream` as a client sees it, with a scripted model behind it. */
import { AskMessage } from "@baton/contract/http/MultiRoleApi"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Schema from "effect/Schema"
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { assertProblem, folder, serve, type Served } from "./Served.ts"

type Query = "comprehensive_analysis" | "compliance_risks"

const answers: { readonly [query in Query]: object } = {
  comprehensive_analysis: { project_summary: { title: "Strip" }, warnings: ["wet"], confidence: 0.9 },
  compliance_risks: {
    compliance_status: { overall: "COMPLIANT" },
    risks_identified: [{ severity: "high", title: "water" }]
  }
}

const chunk = (choices: ReadonlyArray<object>, usage?: object): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices, usage })}\n\n`

const say = (response: ServerResponse, answer: object): void => {
  response.setHeader("content-type", "text/event-stream")
  response.end([
    chunk([{ index: 0, delta: { role: "assistant", content: JSON.stringify(answer) }, finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: "stop" }]),
    chunk([], { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }),
    "data: [DONE]\n\n"
  ].join(""))
}

const fail = (response: ServerResponse): void => {
  response.writeHead(400, { "content-type": "application/json" }).end("{\"error\":{\"message\":\"no such thing\"}}")
}

interface Model {
  readonly url: string
  readonly prompts: ReadonlyArray<string>
  /** What answers a query; answers at once until the test says otherwise. */
  readonly on: { [query in Query]: (response: ServerResponse) => void }
}

const model = Effect.acquireRelease(
  Effect.promise(async () => {
    const prompts: Array<string> = []
    const on: Model["on"] = {
      comprehensive_analysis: (response) => say(response, answers.comprehensive_analysis),
      compliance_risks: (response) => say(response, answers.compliance_risks)
    }
    const server = createServer(async (request, response) => {
      let text = ""
      for await (const piece of request) text += String(piece)
      prompts.push(text)
      on[text.includes("compliance_status") ? "compliance_risks" : "comprehensive_analysis"](response)
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const made: Model = { url: `http://127.0.0.1:${port}/v1#m`, prompts, on }
    return { made, server }
  }),
  ({ server }) => Effect.sync(() => server.closeAllConnections() ?? server.close())
).pipe(Effect.map(({ made }) => made))

interface Heard {
  readonly response: Response
  /** Messages that have come, each with its id and the event's name. */
  readonly told: Array<{ readonly id: string | undefined; readonly name: string; readonly message: AskMessage }>
  /** Reads up to the message of this name, or to the end. */
  readonly until: (name?: AskMessage["event"]) => Promise<void>
}

const decode = Schema.decodeUnknownSync(AskMessage)

const hear = (response: Response): Heard => {
  const told: Heard["told"] = []
  const parser = Sse.makeParser((event) => {
    if (event._tag !== "Event") return
    told.push({ id: event.id, name: event.event, message: decode(JSON.parse(event.data)) })
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  return {
    response,
    told,
    until: async (name) => {
      while (name === undefined || !told.some(({ message }) => message.event === name)) {
        const { done, value } = await reader.read()
        if (done) return
        parser.feed(value)
      }
    }
  }
}

const path = "/api/v1/multi-role/ask-stream"
const question = "A strip foundation, 45 m, outdoors"

const ask = (served: Served, body: object = { question }, headers: { readonly [name: string]: string } = {}) =>
  Effect.promise(async () =>
    hear(
      await fetch(`${served.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body)
      })
    )
  )

const read = (heard: Heard, name?: AskMessage["event"]) => Effect.promise(() => heard.until(name))
const names = ({ told }: Heard) => told.map(({ message }) => message.event)
// oxlint-disable-next-line typescript/no-explicit-any -- what a message holds is what the tests assert of it
const last = ({ told }: Heard): any => told.at(-1)?.message

const desk = Effect.fnUntraced(function*(settings: (model: Model) => { readonly [name: string]: string }) {
  const scripted = yield* model
  const data = yield* folder
  const provider = ConfigProvider.layer(ConfigProvider.fromUnknown(settings(scripted)))
  return { scripted, served: yield* Effect.provide(serve(data), provider) }
})

const withModel = desk(({ url }) => ({ BATON_MODEL: url }))

describe("a question asked of two agents", { timeout: 60_000 }, () => {
  it.live("is one entry of the audit log, and not another one for the stream of its course", () =>
    Effect.scoped(Effect.gen(function*() {
      const { served } = yield* withModel
      const heard = yield* ask(served)
      yield* read(heard)
      const { json } = yield* served.get("/api/v1/audit?limit=10")
      const entries: ReadonlyArray<{ readonly action: string; readonly object: string }> = json.items
      assert.deepStrictEqual(
        entries.filter(({ action }) => action === `POST ${path}`).map(({ object }) => object),
        [last(heard).run]
      )
    })))

  it.live("is told of in the order in which they really answer, and merged", () =>
    Effect.scoped(Effect.gen(function*() {
      const { scripted, served } = yield* withModel
      const held = Promise.withResolvers<ServerResponse>()
      scripted.on.comprehensive_analysis = held.resolve
      const positions = Array.from({ length: 12 }, (_, n) => ({ item_name: `item${n}`, quantity: n, unit: "m3" }))
      const context = { positions, specifications: { exposure: "XA1" } }
      const heard = yield* ask(served, { question, context, project_id: "p1" })
      yield* read(heard, "query_completed")
      say(yield* Effect.promise(() => held.promise), answers.comprehensive_analysis)
      yield* read(heard)
      assert.deepStrictEqual(
        heard.told.map(({ message }) => "query" in message ? `${message.event} ${message.query}` : message.event),
        [
          "started",
          "context_prepared",
          "query_started comprehensive_analysis",
          "query_started compliance_risks",
          "query_completed compliance_risks",
          "query_completed comprehensive_analysis",
          "merging",
          "completed"
        ]
      )
      assert.isTrue(heard.told.every(({ name }) => name === "message"), "no event line")
      const { headers } = heard.response
      assert.match(headers.get("cache-control") ?? "", /no-cache/)
      assert.deepStrictEqual(
        [headers.get("content-type"), headers.get("x-accel-buffering")],
        ["text/event-stream; charset=utf-8", "no"]
      )
      const { result } = last(heard)
      assert.deepInclude(result, { ...answers.comprehensive_analysis, ...answers.compliance_risks, confidence: 0.85 })
      assert.deepInclude(result.performance, { queries_executed: 2, queries_successful: 2, tokens_total: 220 })
      assert.include(scripted.prompts[0], "POSITIONS (12 items):\\n  - item0: 0 m3")
      assert.include(scripted.prompts[0], "  - item9: 9 m3\\n  ... and 2 more\\n\\nSPECIFICATIONS:")
      const run = yield* served.get(headers.get("location") ?? "")
      assert.deepStrictEqual([run.json.status, run.json.tags], ["succeeded", { project_id: "p1" }])
    })))

  it.live("keeps what one has answered when the other fails, and says what is missing", () =>
    Effect.scoped(Effect.gen(function*() {
      const { scripted, served } = yield* withModel
      scripted.on.compliance_risks = fail
      const partial = yield* ask(served)
      yield* read(partial)
      assert.includeMembers(names(partial), ["query_failed", "query_completed", "merging", "completed"])
      assert.deepInclude(last(partial).result, {
        project_summary: { title: "Strip" },
        compliance_status: { overall: "UNKNOWN" },
        risks_identified: [{ severity: "high", title: "Compliance check failed", synthetic: true }],
        warnings: ["wet", "Compliance check failed: Invalid request. no such thing"],
        confidence: 0.7
      })
      scripted.on.comprehensive_analysis = fail
      scripted.on.compliance_risks = (response) => say(response, answers.compliance_risks)
      const other = yield* ask(served, { question: "Another one" })
      yield* read(other)
      assert.deepInclude(last(other).result, {
        project_summary: { error: "Comprehensive analysis failed" },
        ...answers.compliance_risks,
        warnings: ["Comprehensive analysis failed: Invalid request. no such thing"],
        confidence: 0.65
      })
    })))

  it.live("is answered by an error and nothing partial when both fail", () =>
    Effect.scoped(Effect.gen(function*() {
      const { scripted, served } = yield* withModel
      scripted.on.comprehensive_analysis = scripted.on.compliance_risks = fail
      const heard = yield* ask(served)
      yield* read(heard)
      assert.notInclude(names(heard), "merging")
      const reasons =
        "comprehensive_analysis: Invalid request. no such thing; compliance_risks: Invalid request. no such thing"
      assert.deepInclude(last(heard), { event: "error", message: `All hybrid queries failed: ${reasons}` })
    })))

  it.live("goes on when its reader leaves, and is told again, or from where the reader was", () =>
    Effect.scoped(Effect.gen(function*() {
      const { scripted, served } = yield* withModel
      const held = Promise.withResolvers<ServerResponse>()
      scripted.on.comprehensive_analysis = held.resolve
      const key = { "idempotency-key": "once" }
      const left = yield* ask(served, { question }, key)
      yield* read(left, "query_completed")
      yield* Effect.promise(() => left.response.body!.cancel().catch(() => undefined))
      const again = yield* ask(served, { question }, key)
      assert.strictEqual(again.response.headers.get("idempotency-replayed"), "true")
      say(yield* Effect.promise(() => held.promise), answers.comprehensive_analysis)
      yield* read(again)
      assert.strictEqual(names(again).at(-1), "completed")
      assert.strictEqual(scripted.prompts.length, 2)
      const run = left.told[0]!.message
      const id = "run" in run ? run.run : ""
      const follow = (seen: string | undefined, query = "") =>
        Effect.promise(async () =>
          hear(
            await fetch(`${served.url}${path}?run=${id}${query}`, {
              headers: seen === undefined ? {} : { "last-event-id": seen }
            })
          )
        )
      const resumed = yield* follow(left.told.at(-1)!.id, "&named=true")
      yield* read(resumed)
      assert.deepStrictEqual(
        [...left.told, ...resumed.told].map(({ message }) => message),
        again.told.map(({ message }) => message)
      )
      assert.deepStrictEqual(resumed.told.map(({ name }) => name), names(resumed))
      const over = yield* Effect.promise(() =>
        fetch(`${served.url}${path}?run=${id}`, { headers: { "last-event-id": again.told.at(-1)!.id! } })
      )
      assert.strictEqual(over.status, 204)
    })))

  it.live("is asked as the tenant's own flow of that name says", () =>
    Effect.scoped(Effect.gen(function*() {
      const { served } = yield* desk(() => ({}))
      const nodes = { context: { value: "none" }, merge: { value: { sides: 1 }, needs: ["context"] } }
      const flow = { name: "multi-role", version: "2.0.0", nodes, output: "${ nodes.merge.output }" }
      assert.strictEqual((yield* served.post("/api/v1/flows", { flow })).status, 201)
      const heard = yield* ask(served)
      yield* read(heard)
      assert.deepStrictEqual(names(heard), ["started", "context_prepared", "completed"])
      assert.strictEqual(last(heard).result.sides, 1)
    })))

  it.live("is refused before anything is said when it cannot be asked", () =>
    Effect.scoped(Effect.gen(function*() {
      const { served } = yield* desk(() => ({}))
      assertProblem(yield* served.post(path, { question }), 503, "MODEL_MISSING")
      assertProblem(yield* served.post(path, { question: "?", model: "ollama/m" }), 400, "INPUT_INVALID")
      assertProblem(yield* served.post(path, { question, enable_kb: true }), 400, "REQUEST_INVALID")
      assertProblem(yield* served.get(`${path}?run=run_nobody`), 404, "RUN_NOT_FOUND")
      assertProblem(yield* served.get(path), 400, "REQUEST_INVALID")
      assert.deepStrictEqual((yield* served.get("/api/v1/runs")).json.items, [])
    })))
})

/**
 * A server as its users see it, all of it real processes: a run that is steered from another process by the command line,
 * suspended for an approval, and resumed by a second server after the first was killed; a reader of its events that is cut
 * again and again; a webhook receiver that fails at first; a scrape; and an OTLP collector.
 */
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { isLast, Receiver } from "../../packages/server/test/Receiver.ts"
import * as Collector from "../../packages/server/test/telemetry/Collector.ts"
import * as Promtool from "../../packages/server/test/telemetry/Promtool.ts"
import { atDesk, type Desk, document, type Started } from "../endtoend/Baton.ts"
import { Reader } from "./Reader.ts"

const flow = `name: release
version: 1.0.0
nodes:
  draft: { value: "notes of \${ input.version }" }
  tested: { wait: { event: tested }, needs: [draft] }
  gate: { approval: "Publish \${ input.version }?", needs: [tested] }
  publish: { value: "\${ nodes.draft.output }, published", needs: [gate.approved] }
output: "\${ nodes.publish.output }"
`

interface Server {
  readonly process: Started
  readonly url: string
}

const serve = async (desk: Desk, env: { readonly [name: string]: string }): Promise<Server> => {
  const process = desk.start(["serve", "--port", "0"], { env })
  let out = ""
  process.child.stdout?.on("data", (text: string) => (out += text))
  process.child.stderr?.on("data", (text: string) => (out += text))
  await process.said("http://127.0.0.1:")
  return { process, url: /http:\/\/127\.0\.0\.1:\d+/.exec(out)![0] }
}

interface Stage {
  readonly desk: Desk
  readonly receiver: Receiver
  readonly collector: Collector.Collector
}

const onStage = (play: (stage: Stage) => Promise<void>) =>
  atDesk(async (desk) => {
    const receiver = await new Receiver().open()
    try {
      const scene = Effect.flatMap(Collector.make, (collector) =>
        Effect.promise(() => play({ desk, receiver, collector })))
      await Effect.runPromise(Effect.scoped(scene))
    } finally {
      receiver.close()
    }
  })

const numbers = (to: number): ReadonlyArray<number> => Array.from({ length: to }, (_, index) => index + 1)

describe("a server with everything around it", () => {
  it(
    "carries a run over its own death: no event is missed, none comes twice, and all of it is one trace",
    { timeout: 120_000 },
    onStage(async ({ collector, desk, receiver }) => {
      // The first three deliveries are refused.
      receiver.answer = (_received, response, n) => void response.writeHead(n <= 3 ? 503 : 204).end()
      desk.write("flow.yaml", flow)
      const newKey = async (name: string, ...scopes: ReadonlyArray<string>) => {
        const made = await desk.run("keys", "create", name, ...scopes, "--json")
        assert.strictEqual(made.exit, 0, made.err)
        return String(document(made)["key"])
      }
      const key = await newKey("ana", "--all")
      const env = {
        BATON_NET_ALLOW: receiver.host,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "50"
      }
      const first = await serve(desk, env)
      // From another folder, by the address alone.
      const ask = async (url: string, ...args: ReadonlyArray<string>) => {
        const elsewhere = { BATON_SERVER: url, BATON_API_KEY: key, BATON_DATA: desk.path("nothing") }
        return await desk.start(args, { env: elsewhere }).end
      }
      const hook = document(await ask(first.url, "webhooks", "add", receiver.url, "--json"))
      const started = await ask(first.url, "run", "flow.yaml", "-i", "version=1.4", "--detach", "--json")
      assert.strictEqual(started.exit, 0, started.err)
      const run = String(document(started)["id"])
      const events = (url: string, place: string) =>
        new Reader(`${url}/api/v1/runs/${run}/events`, { authorization: `Bearer ${key}`, "last-event-id": place })
      const readers = [events(first.url, "0")]
      await readers[0]!.until("orchestration.step.waiting")
      await readers[0]!.cut()

      // It goes on while nobody reads.
      const sent = await ask(first.url, "runs", "send", run, "tested")
      assert.strictEqual(sent.exit, 0, sent.err)
      readers.push(events(first.url, readers.at(-1)!.place))
      await readers.at(-1)!.until("orchestration.checkpoint.requested")
      await collector.until(({ name }) => name === "step tested")
      first.process.kill("SIGKILL")
      await first.process.end
      await readers.at(-1)!.ended

      const second = await serve(desk, env)
      readers.push(events(second.url, readers.at(-1)!.place))
      const approved = await ask(second.url, "approvals", "approve", run, "--comment", "go")
      assert.strictEqual(approved.exit, 0, approved.err)
      const { data: end } = await readers.at(-1)!.until("end")
      await readers.at(-1)!.ended
      assert.deepStrictEqual(readers.flatMap(({ sequences }) => sequences), numbers(Number(end["seq"])))

      const shown = document(await ask(second.url, "runs", "show", run, "--json"))
      assert.deepInclude(shown, { status: "succeeded", output: "notes of 1.4, published", seq: end["seq"] })

      await receiver.until((all) => all.some(isLast))
      const ids = numbers(Number(end["seq"])).map((seq) => `${run}/${seq}`)
      assert.deepStrictEqual([...new Set(receiver.ids)], ids)
      const secret = String(hook["secrets"].standard)
      const now = Math.floor(Date.now() / 1000)
      assert.isTrue(
        receiver.all.every(({ body, headers }) => WebhookSignature.verify(secret, headers, body, now).valid)
      )

      const scraper = await newKey("prometheus", "--scope", "metrics:read")
      const scraped = await fetch(`${second.url}/metrics`, { headers: { authorization: `Bearer ${scraper}` } })
      const metrics = await scraped.text()
      assert.match(metrics, /^orchestration_runs_total\{[^}]*status="succeeded"[^}]*\} 1$/m)
      if (!Promtool.isMissing) {
        assert.deepStrictEqual(Promtool.run(["check", "metrics"], metrics), { status: 0, said: "" })
      }

      await collector.until(({ name }) => name === "invoke_workflow release")
      const { traceId } = collector.spans.find(({ name }) => name === "invoke_workflow release")!
      const trace = collector.spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
      const isDelivery = (name: string) => name.startsWith("webhook ")
      assert.deepStrictEqual(
        trace.filter((name) => !isDelivery(name)).toSorted(),
        ["POST /api/v1/runs", "invoke_workflow release", "step draft", "step gate", "step publish", "step tested"]
      )
      assert.include(trace, "webhook orchestration.checkpoint.requested")
      // What else was asked is no part of it, and has traces of its own.
      const others = collector.spans.filter((span) =>
        span.attributes["baton.run.id"] === run && span.traceId !== traceId
      )
      assert.deepStrictEqual(others, [])

      second.process.kill("SIGTERM")
      assert.strictEqual((await second.process.end).exit, 143)
    })
  )
})

/** `baton research`: the main job, over the shipped documents, over a person's own, and where no answer is to be had. */
import { once } from "node:events"
import { cpSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { docx, pdf } from "../../packages/agents/test/research/SampleFiles.ts"
import { atDesk, type Desk, runIn } from "./Baton.ts"

const modules = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url))

/** A model server that answers by the name of the asked schema, as OpenAI-compatible ones do. */
const withModel = (
  answers: { readonly [schema: string]: (data: string) => unknown },
  test: (desk: Desk, url: string) => Promise<void>
) =>
  atDesk(async (desk) => {
    const server = createServer(async (request, response) => {
      let text = ""
      for await (const chunk of request) text += chunk
      const asked = JSON.parse(text)
      const answer = answers[asked.response_format?.json_schema?.name ?? ""]
      response.setHeader("content-type", "application/json")
      if (answer === undefined) {
        response.statusCode = 400
        return response.end(JSON.stringify({ error: { message: "the model is on strike" } }))
      }
      const content = JSON.stringify(answer(asked.messages.at(-1).content))
      const message = { role: "assistant", content }
      const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
      response.end(
        JSON.stringify({
          id: "1",
          object: "chat.completion",
          model: "m",
          choices: [{ index: 0, message, finish_reason: "stop" }],
          usage
        })
      )
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    try {
      await test(desk, `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1#m`)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

const plan = () => ({ tasks: [{ question: "What does a breaker do?" }, { question: "Why is a call retried?" }] })

describe.concurrent("research", { timeout: 90_000 }, () => {
  it(
    "answers from the shipped documents, every statement with its source, and keeps the report",
    atDesk(async (desk) => {
      const question = "How do durable workflows avoid paying twice for a retried call?"
      const { err, exit, out } = await desk.run("research", question)
      assert.strictEqual(exit, 0, err)
      assert.match(out, /^---\ntitle: "How do durable/)
      assert.include(out, "\nevidence: sufficient\n")
      assert.match(out, /idempotency key .+ \[1\]$/m)
      assert.match(out, /^- \[1\] `baton\/documents\/.+\.md` lines? \d+/m)
      assert.strictEqual(desk.read(`output/${runIn(err)}.md`).trimEnd(), out.trimEnd())
    })
  )

  it(
    "reads a folder of other people's documents: Markdown, PDF, Word, and names what it cannot read",
    atDesk(
      async (desk) => {
        cpSync(modules("undici/docs"), desk.path("docs/undici"), { recursive: true })
        cpSync(modules("yaml/README.md"), desk.path("docs/yaml.md"))
        desk.write("docs/pump.pdf", pdf([["Pump handbook", "The zeppelin pump needs 4711 litres of oil per hour."]]))
        desk.write("docs/valve.docx", docx(["# Valves", "The gondola valve closes within nine seconds of an alarm."]))
        desk.write("docs/broken.pdf", "%PDF-1.7\nnothing follows\n")
        const ask = (question: string, ...more: ReadonlyArray<string>) =>
          desk.run("research", question, "--files", "docs", ...more)
        const markdown = await ask("How do I set a timeout for the request body in undici?", "-o", "report.md")
        assert.deepStrictEqual([markdown.exit, /^run_\w+ wrote report\.md\n$/.test(markdown.out)], [0, true])
        assert.match(desk.read("report.md"), /bodyTimeout.*\[\d+\]/)
        assert.include(desk.read("report.md"), "broken.pdf")
        const packed = await ask("How much oil does the zeppelin pump need, and when does the gondola valve close?")
        assert.strictEqual(packed.exit, 0, packed.err)
        assert.match(packed.out, /4711 litres of oil per hour.*\[\d+\]/)
        assert.match(packed.out, /within nine seconds.*\[\d+\]/)
        assert.match(packed.out, /`docs\/pump\.pdf` page 1/)
      }
    )
  )

  it(
    "says so where the documents hold no answer",
    atDesk(async (desk) => {
      const { err, exit, out } = await desk.run("research", "What is the best recipe for sourdough bread with rye?")
      assert.strictEqual(exit, 0, err)
      assert.include(out, "\nevidence: none\n")
      assert.include(out, "No sufficient evidence")
      assert.notMatch(out, /\[1\]/)
    })
  )

  it(
    "fails with the reason when there is nothing to read",
    atDesk(async (desk) => {
      desk.write("empty/.keep", "")
      desk.write("broken.pdf", "this is no PDF")
      const reasons: ReadonlyArray<readonly [file: string, reason: RegExp]> = [
        ["empty", /empty/],

        ["broken.pdf", /broken\.pdf: .*PDF/]
      ]
      for (const [file, reason] of reasons) {
        const { err, exit, out } = await desk.run("research", "What is a breaker?", "--files", file)
        const said = /^error\[([A-Z_]+)\]: (.*)$/m.exec(err)
        assert.deepStrictEqual([exit, out], [3, ""], err)
        assert.match(said?.[2] ?? "", reason)
        assert.notInclude(err, "    at ")
        assert.match(
          err.trimEnd().split("\n").at(-1)!,
          /^baton: run=run_\w+ state=failed step=decompose code=[A-Z_]+ exit=3$/
        )
      }
    })
  )

  it(
    "asks a model where one is given, and checks what it cites",
    withModel({
      research_tasks: plan,
      research_findings: (data) => {
        const { passages } = JSON.parse(data)
        const [{ passage, text }] = passages
        return {
          findings: [{ claim: "From the passage.", passage, quote: text.split(/(?<=\.)\s/)[0] }],
          unanswered: []
        }
      },
      research_report: (data) => ({
        sections: [{
          heading: "Found",
          sentences: JSON.parse(data).findings.map((finding: { id: string }) => ({
            text: "As quoted.",
            findings: [finding.id]
          }))
        }]
      })
    }, async (desk, url) => {
      const env = { BATON_NET_ALLOW: new URL(url).host }
      const args = ["research", "What does a circuit breaker do?", "--engine", "llm", "--model", url]
      const { err, exit, out } = await desk.start(args, { env }).end
      assert.strictEqual(exit, 0, err)
      assert.match(out, /As quoted\. \[1\]/)
    })
  )

  it(
    "fails with the first reason when every branch failed",
    withModel({ research_tasks: plan }, async (desk, url) => {
      const env = { BATON_NET_ALLOW: new URL(url).host }
      const args = ["research", "What does a circuit breaker do?", "--engine", "llm", "--model", url]
      const { err, exit, out } = await desk.start(args, { env }).end
      assert.deepStrictEqual([exit, out], [3, ""], err)
      assert.match(err, /error\[MAP_FAILED\]: all 2 items failed; the first: .*the model is on strike/)
    })
  )

  it(
    "fails with the reason when the model cannot be reached",
    atDesk(async (desk) => {
      const args = ["research", "What is a breaker?", "--engine", "llm", "--model", "http://127.0.0.1:9/v1#x"]
      const { err, exit } = await desk.start(args, { env: { BATON_NET_ALLOW: "127.0.0.1:9" } }).end
      assert.strictEqual(exit, 3)
      assert.match(err, /^error\[AGENT_API\]: .*refused the connection/m)
    })
  )
})

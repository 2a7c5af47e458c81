/** Research with a language model that answers from a script: what is kept, what is dropped, and what is said about it. */
import { type Turn, unrecorded } from "@baton/engine/AgentConversation"
import { assert, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Finding } from "../../src/research/Evidence.ts"
import * as ResearchAgents from "../../src/research/ResearchAgents.ts"
import {
  ask,
  callOf,
  configured,
  outputOf,
  type Plan,
  type Report,
  type Research,
  research,
  scratch
} from "./ResearchDesk.ts"

interface Asked {
  readonly name: string
  readonly data: { readonly [key: string]: never }
}
type Answer = unknown | AiError.AiErrorReason

/** Answers each request by its object name; keeps what it was asked. */
const scripted = Effect.fnUntraced(function*(answers: { readonly [object: string]: (data: never) => Answer }) {
  const asked: Array<Asked> = []
  const service = yield* LanguageModel.make({
    generateText: ({ prompt, responseFormat }) =>
      Effect.suspend(() => {
        const name = responseFormat.type === "json" ? responseFormat.objectName : "text"
        const user = prompt.content.find((message) => message.role === "user")
        const text = user?.content.map((part) => part.type === "text" ? part.text : "").join("") ?? ""
        const data = JSON.parse(text) as Asked["data"]
        asked.push({ name, data })
        const answer = answers[name]?.(data as never)
        if (AiError.isAiErrorReason(answer)) {
          return Effect.fail(AiError.make({ module: "script", method: "generateText", reason: answer }))
        }
        return Effect.succeed([
          { type: "text" as const, text: typeof answer === "string" ? answer : JSON.stringify(answer) },
          {
            type: "finish" as const,
            reason: "stop" as const,
            usage: {
              inputTokens: { total: 120, uncached: 120, cacheRead: undefined, cacheWrite: undefined },
              outputTokens: { total: 30, text: 30, reasoning: undefined }
            }
          }
        ])
      }),
    streamText: () => Stream.empty
  })
  return { service, asked, name: "scripted/one" }
})

const desk = Effect.fnUntraced(function*(answers: Parameters<typeof scripted>[0]) {
  const folder = yield* scratch
  const model = yield* scripted(answers)
  const all = ResearchAgents.make(configured(folder), model)
  return { folder, asked: model.asked, agents: all.filter(({ info }) => info.name.startsWith("research/llm/")), all }
})

const question = "What are the states of a circuit breaker?"
const quote = "A breaker is closed, open or half-open."
interface Passages {
  readonly passages: ReadonlyArray<{ readonly passage: string; readonly text: string }>
}
interface Findings {
  readonly findings: ReadonlyArray<Finding>
}
const holding = ({ passages }: Passages, text: string) =>
  passages.find((passage) => passage.text.includes(text))?.passage ?? "P0"

const plan = () => ({ tasks: [{ question }, { question: ` ${question} ` }, { question: "" }] })
const find = (data: Passages) => ({
  findings: [{
    claim: "A breaker knows three states: closed, open and half-open.",
    passage: holding(data, quote),
    quote: "a breaker is  CLOSED, open or half-open"
  }],
  unanswered: []
})
const write = ({ findings }: Findings) => ({
  sections: [{
    heading: "States",
    sentences: [{ text: "A circuit breaker is closed, open or half-open.", findings: [findings[0]!.id] }]
  }]
})

it.live("writes a report whose sentences cite quotes that were found in the stored text", () =>
  Effect.gen(function*() {
    const { agents, asked } = yield* desk({ research_tasks: plan, research_findings: find, research_report: write })
    const { report, results, tasks } = yield* research(agents, question)
    assert.deepStrictEqual(tasks.map((task) => task.question), [question])
    assert.strictEqual(results[0]?.findings[0]?.source.uri, "baton/documents/circuit-breakers.md")
    assert.match(report.markdown, /^engine: language model \(scripted\/one\)$/m)
    assert.match(report.markdown, /^- A circuit breaker is closed, open or half-open\. \[1\]$/m)
    assert.match(report.markdown, /^- \[1\] `baton\/documents\/circuit-breakers\.md` lines? /m)
    assert.deepStrictEqual(report.gaps, [])
    assert.deepStrictEqual(asked.map(({ name }) => name), ["research_tasks", "research_findings", "research_report"])
  }).pipe(Effect.scoped))

it.live("counts what each call used", () =>
  Effect.gen(function*() {
    const { agents } = yield* desk({ research_tasks: plan })
    const { usage } = yield* ask(agents, "planner", { question })
    assert.deepStrictEqual(usage, { calls: 1, model: "scripted/one", inputTokens: 120, outputTokens: 30 })
  }).pipe(Effect.scoped))

it.live("drops findings whose quote is invented, misplaced or trivial, and numbers that the quote does not say", () =>
  Effect.gen(function*() {
    const { agents } = yield* desk({
      research_findings: (data: Passages) => {
        const passage = holding(data, quote)
        return {
          findings: [
            { claim: "Breakers explode at night.", passage, quote: "breakers explode at night without any warning" },
            { claim: "It has three states.", passage: "P99", quote },
            { claim: "It is a thing.", passage, quote: "a" },
            { claim: "A breaker waits 42 seconds.", passage, quote },
            { claim: "A breaker is closed, open or half-open.", passage, quote }
          ],
          unanswered: ["How long the cooldown is."]
        }
      }
    })
    const found = outputOf<Research>(yield* ask(agents, "researcher", { task: question }))
    assert.deepStrictEqual(found.findings.map((finding) => finding.claim), ["A breaker is closed, open or half-open."])
    assert.deepStrictEqual(found.gaps, [
      "Not answered: How long the cooldown is.",
      "Dropped, because its quote does not stand in the source: \"Breakers explode at night.\"",
      "Dropped, because its quote does not stand in the source: \"It has three states.\"",
      "Dropped, because its quote does not stand in the source: \"It is a thing.\"",
      "Dropped, because its quote does not say 42: \"A breaker waits 42 seconds.\""
    ])
  }).pipe(Effect.scoped))

it.live("removes sentences without evidence and marks those that their source does not confirm", () =>
  Effect.gen(function*() {
    const { agents } = yield* desk({
      research_tasks: plan,
      research_findings: find,
      research_report: ({ findings }: Findings) => ({
        sections: [{
          heading: "States",
          sentences: [
            { text: "A breaker is closed, open or half-open.", findings: [findings[0]!.id, "f-invented"] },
            { text: "Breakers were invented on the moon.", findings: ["f-invented"] },
            { text: "Nobody needs evidence.", findings: [] },
            { text: "It opens after 7 failures.", findings: [findings[0]!.id] },
            { text: "Elephants enjoy swimming through warm rivers.", findings: [findings[0]!.id] }
          ]
        }]
      })
    })
    const { report } = yield* research(agents, question)
    assert.match(report.markdown, /^- A breaker is closed, open or half-open\. \[1\]$/m)
    assert.match(report.markdown, /^- Elephants enjoy .* \[1\] \*\(not confirmed by the words of its source\)\*$/m)
    assert.notMatch(report.markdown.split("## Coverage and gaps")[0]!, /moon|Nobody needs|7 failures/)
    assert.deepStrictEqual(report.gaps, [
      "Removed, because no finding supports it: \"Breakers were invented on the moon.\"",
      "Removed, because no finding supports it: \"Nobody needs evidence.\"",
      "Removed, because its sources do not say 7: \"It opens after 7 failures.\""
    ])
  }).pipe(Effect.scoped))

it.live("does not cite a finding whose quote is not in the stored text, whoever made it", () =>
  Effect.gen(function*() {
    const { agents } = yield* desk({ research_findings: find, research_report: write })
    const result = outputOf<Research>(yield* ask(agents, "researcher", { task: question }))
    const forged = {
      ...result,
      findings: result.findings.map((finding) => ({ ...finding, quote: "Breakers are always open and never closed." }))
    }
    const report = outputOf<Report>(yield* ask(agents, "writer", { question, findings: [forged] }))
    assert.strictEqual(report.verdict, "none")
    assert.match(report.markdown, /does not stand in the stored text of baton\/documents\/circuit-breakers\.md/)
    assert.notMatch(report.markdown, / \[1\]/)
  }).pipe(Effect.scoped))

it.live("lists the findings as they are when the model writes nothing that they support", () =>
  Effect.gen(function*() {
    const { agents } = yield* desk({
      research_tasks: plan,
      research_findings: find,
      research_report: () => ({ sections: [] })
    })
    const { report } = yield* research(agents, question)
    assert.match(report.markdown, /^- A breaker knows three states: closed, open and half-open\. \[1\]$/m)
    assert.match(report.markdown, /wrote no sentence that its findings support/)
  }).pipe(Effect.scoped))

it.live("says so when the stored text is gone before the citations are checked", () =>
  Effect.gen(function*() {
    const { agents, folder } = yield* desk({ research_findings: find, research_report: write })
    const found = yield* ask(agents, "researcher", { task: question })
    rmSync(join(folder, "index"), { recursive: true })
    const report = outputOf<Report>(yield* ask(agents, "writer", { question, findings: [found.output] }))
    assert.match(report.markdown, /no quote could be checked again/)
  }).pipe(Effect.scoped))

it.live("does not ask the model when no passage speaks of the question, and leaves it unanswered", () =>
  Effect.gen(function*() {
    const off = "What is the airspeed velocity of an unladen swallow?"
    const { agents, asked } = yield* desk({ research_tasks: () => ({ tasks: [{ question: off }] }) })
    const { report } = yield* research(agents, off)
    assert.deepStrictEqual(asked.map(({ name }) => name), ["research_tasks"])
    assert.strictEqual(report.verdict, "none")
    assert.match(report.markdown, /^## No sufficient evidence$/m)
  }).pipe(Effect.scoped))

it.live("works with the other engine's steps in any mixture", () =>
  Effect.gen(function*() {
    const { all } = yield* desk({ research_findings: find, research_report: write })
    const mixed = (...names: ReadonlyArray<string>) => all.filter(({ info }) => names.includes(info.name))
    const one = yield* research(
      mixed("research/extractive/planner", "research/llm/researcher", "research/extractive/writer"),
      question
    )
    assert.match(one.report.markdown, /A breaker knows three states/)
    const two = yield* research(
      mixed("research/extractive/planner", "research/extractive/researcher", "research/llm/writer"),
      question
    )
    assert.match(two.report.markdown, /language model \(scripted\/one\)/)
    assert.isNotEmpty(two.report.findings)
  }).pipe(Effect.scoped))

it.live("turns failures of the model into typed errors that say whether another try helps", () =>
  Effect.gen(function*() {
    const failure = Effect.fnUntraced(function*(answer: Answer) {
      const { agents } = yield* desk({ research_tasks: () => answer })
      const { reason, retryAfterMs, retryable } = yield* Effect.flip(ask(agents, "planner", { question }))
      return [reason, retryable, retryAfterMs]
    })
    assert.deepStrictEqual(yield* failure(new AiError.RateLimitError({ retryAfter: Duration.seconds(3) })), [
      "api",
      true,
      3_000
    ])
    assert.deepStrictEqual(yield* failure(new AiError.AuthenticationError({ kind: "InvalidKey" })), [
      "configuration",
      false,
      undefined
    ])
    assert.deepStrictEqual(yield* failure("this is not JSON"), ["validation", true, undefined])
    assert.deepStrictEqual(yield* failure({ tasks: "none" }), ["validation", true, undefined])
    assert.deepStrictEqual(yield* failure({ tasks: [{ question: " " }] }), ["validation", true, undefined])
  }).pipe(Effect.scoped))

it.live("shows the model at most a bounded number of tasks and passages, marked as data", () =>
  Effect.gen(function*() {
    const { agents, asked } = yield* desk({
      research_tasks: () => ({
        tasks: Array.from({ length: 40 }, (_, at) => ({ question: `What is breaker state ${at}?` }))
      }),
      research_findings: () => ({ findings: [], unanswered: [] })
    })
    const { tasks } = outputOf<Plan>(yield* ask(agents, "planner", { question }))
    assert.strictEqual(tasks.length, 5)
    yield* ask(agents, "researcher", { task: question })
    const shown = asked[1]!.data as unknown as Passages
    assert.isAtMost(shown.passages.length, 14)
    assert.isAtLeast(shown.passages.length, 3)
  }).pipe(Effect.scoped))

it.live("serves each role for the default model and for a model that its name gives, with another version for receipts", () =>
  Effect.gen(function*() {
    const folder = yield* scratch
    const opened: Array<string | undefined> = []
    const { service } = yield* scripted({ research_tasks: plan })
    const [, source] = ResearchAgents.sources(configured(folder), {
      defaultReference: "scripted/default",
      open: (reference) =>
        Effect.sync(() => {
          opened.push(reference)
          return { reference: reference ?? "", provider: "scripted", model: "two", service }
        })
    })
    const bound = "research/llm/planner@openrouter/meta-llama/llama-3.3-70b@v1"
    const infos = yield* Effect.forEach(["research/llm/planner", bound], source!.find)
    assert.strictEqual(new Set(infos.map((info) => info?.version)).size, 2)
    assert.isUndefined(yield* source!.find("research/llm/planners"))
    assert.isUndefined(yield* source!.find("research/llm/editor@openai/x"))
    const answered = yield* source!.call(callOf(bound, { question }))
    assert.strictEqual(answered.agent, bound)
    assert.strictEqual(answered.usage?.model, "scripted/two")
    yield* source!.call(callOf("research/llm/planner", { question }))
    assert.deepStrictEqual(opened, ["openrouter/meta-llama/llama-3.3-70b@v1", undefined])
  }).pipe(Effect.scoped))

it.live("pays once for an answer that is recorded: an attempt after a crash does not ask the model again", () =>
  Effect.gen(function*() {
    const { agents, asked } = yield* desk({ research_tasks: () => ({ tasks: [{ question: "What is a breaker?" }] }) })
    const planner = agents.find(({ info }) => info.name.endsWith("planner"))!
    const turns: Array<Turn> = []
    const conversation = {
      ...unrecorded("run", "plan", 0),
      settlesUsage: true,
      turns: Effect.sync(() => [...turns]),
      record: (turn: Turn) => Effect.sync(() => void turns.push(turn))
    }
    const attempt = () => planner.call({ ...callOf(planner.info.name, { question }), conversation })
    const first = yield* attempt()
    const second = yield* attempt()
    assert.deepStrictEqual(second.output, first.output)
    assert.deepStrictEqual([asked.length, turns.length, first.usage], [1, 1, undefined])
    assert.strictEqual(turns[0]?.usage.inputTokens, 120)
  }))

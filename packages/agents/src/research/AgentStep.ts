/** What the six research agents share: decoding input, typed failures, progress and the clock. */
import { type AgentAnswer, type AgentCall, AgentError } from "@baton/engine/Agents"
import type { Json } from "@baton/kernel/Value"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Corpora, Corpus } from "./corpus/Corpus.ts"
import { CorpusError, toAgentError } from "./CorpusError.ts"
import { EvidenceLimits } from "./ResearchConfig.ts"

/** Why what a research agent answers is not used again. */
export const readsDocuments = "it reads documents, which are no part of its input"

export const decodeInput = <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  call: AgentCall
): Effect.Effect<S["Type"], AgentError> =>
  Schema.decodeUnknownEffect(schema)(call.input).pipe(
    Effect.mapError((error) =>
      new AgentError({
        reason: "validation",
        code: "INPUT_INVALID",
        message: `the input of ${call.name} is not what a research agent takes`,
        retryable: false,
        sent: false,
        problems: String(error).split("\n").slice(0, 20)
      })
    )
  )

/** A question that is empty or longer than a question can be is refused before any document is read. */
export const checkQuestion = Effect.fnUntraced(function*(question: string) {
  const { questionCharactersMax } = yield* EvidenceLimits
  if (question.trim() === "") return yield* invalid("the question is empty")
  if (question.length > questionCharactersMax) {
    return yield* invalid(`the question has ${question.length} characters; at most ${questionCharactersMax} are taken`)
  }
  return question.replace(/\s+/g, " ").trim()
})

const invalid = (message: string) => Effect.fail(toAgentError(new CorpusError({ code: "INPUT_INVALID", message })))

/** Opens the documents for the length of `use`, and tells the step's log and live view what was opened. */
export const withCorpus = <A, E, R>(
  corpora: Corpora,
  call: AgentCall,
  files: ReadonlyArray<string> | null | undefined,
  use: (corpus: Corpus) => Effect.Effect<A, E, R>
) =>
  Effect.scoped(Effect.gen(function*() {
    yield* call.emit({ type: "agent.tool.started", tool: "corpus.open", input: { files: files ?? null } })
    const corpus = yield* corpora.open(files, call.log).pipe(Effect.mapError(toAgentError))
    const { documents, skipped, skippedMore, units } = corpus.summary
    yield* call.emit({ type: "agent.tool.completed", tool: "corpus.open", output: { documents, units } })
    const left = skipped.length + skippedMore
    yield* call.log(`${documents} documents, ${units} evidence units${left === 0 ? "" : `, ${left} documents skipped`}`)
    return yield* use(corpus)
  }))

/** The caller's time as ISO 8601 UTC with seconds. */
export const now = Effect.map(DateTime.now, (time) => DateTime.formatIso(time).replace(/\.\d+Z$/, "Z"))

export const answer = <S extends Schema.Codec<unknown, Json>>(
  schema: S,
  agent: string,
  output: S["Type"],
  more: Pick<AgentAnswer, "usage" | "warnings"> = {}
): AgentAnswer => ({ output: Schema.encodeSync(schema)(output), agent, ...more })

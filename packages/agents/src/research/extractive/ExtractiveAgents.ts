/** Planner, researcher and writer without a model: every claim is a quote, and what is not in the documents is not said. */
import * as Effect from "effect/Effect"
import { answer, checkQuestion, decodeInput, now, readsDocuments, withCorpus } from "../AgentStep.ts"
import type * as Corpus from "../corpus/Corpus.ts"
import * as Evidence from "../Evidence.ts"
import type { NamedAgent } from "../NamedAgent.ts"
import { writeReport } from "../Report.ts"
import { EvidenceLimits } from "../ResearchConfig.ts"
import { plan } from "./Facets.ts"
import { engineName, investigate } from "./Investigation.ts"

/** Part of receipts: another number means that the same input may give another output. */
const version = "1"

export const make = (corpora: Corpus.Corpora): ReadonlyArray<NamedAgent> => [
  planner(corpora),
  researcher(corpora),
  writer
]

const planner = (corpora: Corpus.Corpora): NamedAgent => {
  const name = "research/extractive/planner"
  return {
    info: {
      name,
      description: "Splits a question into tasks by what the documents hold on it",
      effect: "idempotent",
      asks: "nothing",
      version,
      unversioned: readsDocuments
    },
    call: Effect.fn(name)(function*(call) {
      const input = yield* decodeInput(Evidence.PlannerInput, call)
      const question = yield* checkQuestion(input.question)
      const limits = yield* EvidenceLimits
      const tasks = yield* withCorpus(
        corpora,
        call,
        input.files,
        (corpus) => Effect.sync(() => plan(corpus, question, limits))
      )
      return answer(Evidence.PlannerOutput, name, { tasks })
    })
  }
}

const researcher = (corpora: Corpus.Corpora): NamedAgent => {
  const name = "research/extractive/researcher"
  return {
    info: {
      name,
      description: "Finds the passages that answer a task, and quotes them",
      effect: "idempotent",
      asks: "nothing",
      version,
      unversioned: readsDocuments
    },
    call: Effect.fn(name)(function*(call) {
      const input = yield* decodeInput(Evidence.ResearcherInput, call)
      const given = typeof input.task === "string" ? { question: input.task } : input.task
      const task = { ...given, question: yield* checkQuestion(given.question) }
      const limits = yield* EvidenceLimits
      const retrievedAt = yield* now
      return yield* withCorpus(corpora, call, input.files, (corpus) =>
        Effect.sync(() => {
          const found = investigate(corpus, task, { ...limits, retrievedAt })
          return answer(Evidence.ResearcherOutput, name, { task, ...found, corpus: corpus.summary })
        }))
    })
  }
}

const writer: NamedAgent = {
  info: {
    name: "research/extractive/writer",
    description: "Puts findings into one cited Markdown report, with its gaps and sources",
    effect: "pure",
    asks: "nothing",
    version
  },
  call: Effect.fn("research/extractive/writer")(function*(call) {
    const input = yield* decodeInput(Evidence.WriterInput, call)
    const question = yield* checkQuestion(input.question)
    const limits = yield* EvidenceLimits
    const report = writeReport({ ...input, question }, {
      date: yield* now,
      engine: engineName,
      label: `${engineName} (no language model)`,
      findingsMax: limits.reportFindingsMax
    })
    return answer(Evidence.WriterOutput, writer.info.name, report)
  })
}

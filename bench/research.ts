/**
 * How long does research take on N documents, cold (nothing indexed) and warm (everything indexed)?
 *
 *   node bench/research.ts [documents=300] [words-per-document=1000] [folder]
 *
 * Without a folder the corpus is made from the shipped documents: paragraphs in a fixed pseudo-random order, with words of
 * their own, so that every machine measures the same bytes. Times are those of the three steps, without the engine.
 */
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ResearchAgents from "../packages/agents/src/research/ResearchAgents.ts"
import { shippedDocuments } from "../packages/recipes/src/Recipes.ts"

const documents = Number(process.argv[2] ?? 300)
const wordsEach = Number(process.argv[3] ?? 1000)
const question = "How do durable workflows avoid paying twice for a retried call?"

const paragraphs = readdirSync(shippedDocuments.folder).sort()
  .flatMap((name) => readFileSync(join(shippedDocuments.folder, name), "utf8").split(/\n{2,}/))

/** A linear congruential generator (Numerical Recipes constants): the same corpus everywhere. */
let seed = 20_26
const next = (below: number) => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed % below
}

const makeCorpus = (folder: string) => {
  mkdirSync(folder)
  for (let number = 0; number < documents; number++) {
    const parts = [`# Document ${number}`]
    for (let words = 0; words < wordsEach;) {
      const paragraph = paragraphs[next(paragraphs.length)]!.replace(
        /\b(?:the|a)\b/g,
        (word) => `${word} term${next(8000)}`
      )
      parts.push(paragraph)
      words += paragraph.split(/\s+/).length
    }
    writeFileSync(join(folder, `document-${number}.md`), `${parts.join("\n\n")}\n`)
  }
  return folder
}

const scratch = mkdtempSync(join(tmpdir(), "baton-bench-"))
const corpus = process.argv[4] ?? makeCorpus(join(scratch, "corpus"))
const agents = ResearchAgents.make({
  indexFolder: join(scratch, "index"),
  workingFolder: scratch,
  shipped: shippedDocuments
})

const step = (role: string, input: unknown) => {
  const agent = agents.find(({ info }) => info.name === `research/extractive/${role}`)!
  const call = { tenant: "bench", run: "run_bench", path: role, attempt: 1, key: role, agent: role, name: role }
  return Effect.map(
    agent.call({ ...call, input: input as never, emit: () => Effect.void, log: () => Effect.void }),
    (answer) => answer.output as never
  )
}

const research = Effect.gen(function*() {
  const started = performance.now()
  const files = [corpus]
  const plan: { readonly tasks: ReadonlyArray<unknown> } = yield* step("planner", { question, files })
  const planned = performance.now()
  const findings = yield* Effect.forEach(plan.tasks, (task) => step("researcher", { task, files }), { concurrency: 5 })
  const found = performance.now()
  const report: { readonly markdown: string } = yield* step("writer", { question, findings })
  const ended = performance.now()
  const times = { plan: planned - started, research: found - planned, write: ended - found, total: ended - started }
  return { times, tasks: plan.tasks.length, markdown: report.markdown }
})

/** The longest time in which no timer could run, in milliseconds. */
const watched = async <A>(run: Promise<A>) => {
  let last = performance.now()
  let longest = 0
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  const value = await run
  clearInterval(timer)
  return { value, longest }
}

try {
  const rows = []
  for (const name of ["cold", "warm", "warm again"]) {
    const { longest, value } = await watched(Effect.runPromise(research))
    const words = /^words: (\d+)$/m.exec(value.markdown)?.[1]
    const ms = Object.fromEntries(Object.entries(value.times).map(([key, time]) => [`${key} ms`, Math.round(time)]))
    rows.push({ run: name, words, tasks: value.tasks, ...ms, "longest block ms": Math.round(longest) })
  }
  console.table(rows)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Runs the research agents as the deep-research flow does: plan, investigate side by side, write. */
import type { AgentAnswer, AgentCall, AgentStreamEvent } from "@baton/engine/Agents"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { CorpusSummary, Finding, Task, Verdict } from "../../src/research/Evidence.ts"
import type { NamedAgent } from "../../src/research/NamedAgent.ts"
import * as ResearchAgents from "../../src/research/ResearchAgents.ts"
import type { ResearchConfig } from "../../src/research/ResearchConfig.ts"

export const shipped = {
  folder: fileURLToPath(new URL("../../../recipes/documents", import.meta.url)),
  label: "baton/documents"
}

/** A folder that is gone after the test. */
export const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-research-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

export const configured = (folder: string, more: Partial<ResearchConfig> = {}): ResearchConfig => ({
  indexFolder: join(folder, "index"),
  workingFolder: folder,
  shipped,
  ...more
})

export const callOf = (
  name: string,
  input: Json,
  emit: (event: AgentStreamEvent) => Effect.Effect<void> = () => Effect.void
): AgentCall => ({
  tenant: "default",
  run: "run_1",
  path: "step",
  attempt: 1,
  key: "key",
  agent: name,
  name,
  input,
  emit,
  log: () => Effect.void
})

export const ask = (agents: ReadonlyArray<NamedAgent>, role: string, input: unknown) => {
  const agent = agents.find(({ info }) => info.name.endsWith(`/${role}`))
  if (agent === undefined) throw new Error(`no agent for ${role}`)
  return agent.call(callOf(agent.info.name, input as Json))
}

export interface Plan {
  readonly tasks: ReadonlyArray<Task>
}
export interface Research {
  readonly findings: ReadonlyArray<Finding>
  readonly gaps: ReadonlyArray<string>
  readonly coverage: { readonly verdict: Verdict; readonly missing: ReadonlyArray<string> }
  readonly corpus: CorpusSummary
}
export interface Report {
  readonly markdown: string
  readonly verdict: Verdict
  readonly findings: ReadonlyArray<Finding>
  readonly gaps: ReadonlyArray<string>
}

export const outputOf = <A>(answer: AgentAnswer): A => answer.output as unknown as A

/** The whole flow; `agents` may mix engines. */
export const research = Effect.fnUntraced(function*(
  agents: ReadonlyArray<NamedAgent>,
  question: string,
  files?: ReadonlyArray<string>
) {
  const named = files === undefined ? {} : { files }
  const { tasks } = outputOf<Plan>(yield* ask(agents, "planner", { question, ...named }))
  const results = yield* Effect.forEach(tasks, (task) => ask(agents, "researcher", { task, ...named }), {
    concurrency: 5
  })
  const report = yield* ask(agents, "writer", {
    question,
    findings: results.map((result) => result.output),
    missing: []
  })
  return { tasks, results: results.map((result) => outputOf<Research>(result)), report: outputOf<Report>(report) }
})

export const extractive = (folder: string, more: Partial<ResearchConfig> = {}) =>
  ResearchAgents.make(configured(folder, more))

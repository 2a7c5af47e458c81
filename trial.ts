import * as Effect from "effect/Effect"
import { make } from "./packages/agents/src/research/extractive/ExtractiveAgents.ts"
import { shippedDocuments } from "./packages/recipes/src/Recipes.ts"
const agents = make({ indexFolder: "/tmp/rsx/idx", workingFolder: process.cwd(), shipped: shippedDocuments })
const call = (name: string, input: any) =>
  agents.find((a) => a.info.name.endsWith(name))!.call(
    {
      tenant: "t",
      run: "r",
      path: "p",
      attempt: 1,
      key: "k",
      agent: name,
      name,
      input,
      emit: () => Effect.void,
      log: (l: string) => Effect.sync(() => process.env.V && console.error(l))
    } as any
  )
const [question, ...files] = process.argv.slice(2)
const program = Effect.gen(function*() {
  const t0 = performance.now()
  const f = files.length ? { files } : {}
  const plan: any = yield* call("planner", { question, ...f })
  const t1 = performance.now()
  const results = yield* Effect.forEach(plan.output.tasks, (task) => call("researcher", { task, ...f }), {
    concurrency: 5
  })
  const t2 = performance.now()
  const report: any = yield* call("writer", { question, findings: results.map((r) => r.output), missing: [] } as any)
  if (process.env.V) console.log(JSON.stringify(plan.output, null, 1), results.map((r: any) => r.output.coverage))
  console.log(report.output.markdown)
  console.error(Math.round(t1 - t0), Math.round(t2 - t1), Math.round(performance.now() - t2), "ms")
})
await Effect.runPromise(program)

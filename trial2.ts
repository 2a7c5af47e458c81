import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { make } from "./packages/agents/src/research/extractive/ExtractiveAgents.ts"
import { research } from "./packages/agents/test/research/ResearchDesk.ts"
import { shippedDocuments } from "./packages/recipes/src/Recipes.ts"
const agents = make({ indexFolder: "/tmp/rsx/idx", workingFolder: process.cwd(), shipped: shippedDocuments })
const files = process.argv.slice(3)
for (const q of readFileSync(process.argv[2]!, "utf8").split("\n").filter(Boolean)) {
  const r = await Effect.runPromise(research(agents, q, files.length ? files : undefined))
  console.log(
    "\n## " + q + "  => " + r.report.verdict + "  missing:" + r.results[0]!.coverage.missing.join(","),
    " tasks " + r.tasks.length
  )
  for (const l of r.report.markdown.split("\n").filter((l) => l.startsWith("- ") && !l.startsWith("- [")).slice(0, 3)) {
    console.log(l.slice(0, 220))
  }
}

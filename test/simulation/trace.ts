/** Shows the journal of a seed, for a closer look: `node test/simulation/trace.ts SEED`. */
import { simulate } from "./Simulation.ts"

const report = simulate(Number(process.argv[2]))
for (const [run, seen] of report.journals) {
  console.log(run)
  for (const line of seen) console.log(`  ${line.slice(0, Number(process.argv[3] ?? 230))}`)
}
for (const note of report.notes) console.log(note)
for (const complaint of report.complaints) console.log(complaint)

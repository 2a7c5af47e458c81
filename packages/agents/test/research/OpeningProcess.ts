/** Opens a corpus in a process of its own and prints what it sees: `node OpeningProcess.ts FOLDER`. */
import * as Effect from "effect/Effect"
import { ask, extractive, outputOf, type Research } from "./ResearchDesk.ts"

const folder = process.argv[2]!
const found = await Effect.runPromise(
  ask(extractive(folder), "researcher", { task: "When does a lease expire?", files: ["docs"] })
)
const { corpus } = outputOf<Research>(found)
process.stdout.write(JSON.stringify({ documents: corpus.documents, fingerprint: corpus.fingerprint }))

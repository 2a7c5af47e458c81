/** One thread of `main.ts`: is given seeds, and tells what they came to. */
import { parentPort } from "node:worker_threads"
import type { Chunk } from "./Tally.ts"
import * as Tally from "./Tally.ts"

parentPort?.on("message", (chunk: Chunk) => parentPort?.postMessage(Tally.of(chunk)))

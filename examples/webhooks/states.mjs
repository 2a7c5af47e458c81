/** Of the delivery log on stdin: each event with its state, oldest first. */
import { readFileSync } from "node:fs"

const { deliveries } = JSON.parse(readFileSync(0, "utf8"))
for (const { code, event, state, type } of deliveries.reverse()) {
  process.stdout.write(`${event} ${type} ${state}${code === null ? "" : ` ${code}`}\n`)
}

/** Writes `flow.json`: run it with `npm run schemas` after a change to the flow document. */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as FlowSchema from "../src/FlowSchema.ts"

const target = fileURLToPath(new URL("flow.json", import.meta.url))
writeFileSync(target, `${JSON.stringify(FlowSchema.document(), null, 2)}\n`)

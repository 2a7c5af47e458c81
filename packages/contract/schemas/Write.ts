/** Writes `docs/reference/asyncapi.json`: run it with `npm run schemas` after a change to what streams carry. */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as AsyncApi from "../src/AsyncApi.ts"

const target = fileURLToPath(new URL("../../../docs/reference/asyncapi.json", import.meta.url))
writeFileSync(target, `${JSON.stringify(AsyncApi.document(), null, 2)}\n`)

/** Writes `docs/reference/openapi.json`: run it with `npm run openapi` after a change to the HTTP surface. */
import * as OpenApi from "effect/http-api/OpenApi"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Api } from "../src/http/Api.ts"

const target = fileURLToPath(new URL("../../../docs/reference/openapi.json", import.meta.url))
writeFileSync(target, `${JSON.stringify(OpenApi.fromApi(Api), null, 2)}\n`)

/** Writes the pages of `docs/reference`: run it with `npm run reference` after a change to what they tell. */
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Reference from "./Reference.ts"

const folder = fileURLToPath(new URL("../../../docs/reference/", import.meta.url))

for (const [name, text] of Object.entries(await Effect.runPromise(Reference.pages))) {
  writeFileSync(`${folder}${name}`, text)
}

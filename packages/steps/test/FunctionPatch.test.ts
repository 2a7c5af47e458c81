import type { PatchAnswer, PatchRequest } from "@baton/engine/PlanPatching"
import * as FunctionPatch from "@baton/steps/FunctionPatch"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

const refused: PatchAnswer = {
  status: "refused",
  code: "PATCH_MALFORMED",
  message: "no list",
  revision: 3,
  problems: []
}

describe("a handler's patch", () => {
  it("that is no JSON within bounds is refused with what is wrong with it", async () => {
    const seen: Array<PatchRequest> = []
    const patch = FunctionPatch.make(() => "k", (request) => {
      seen.push(request)
      return Effect.succeed(refused)
    }, Effect.runFork)
    const deep = JSON.parse(`${"[".repeat(140)}${"]".repeat(140)}`) as never
    const answer = await patch([{ op: "add", path: "/nodes/-", value: deep }] as never)
    assert.deepInclude(answer, { status: "refused", code: "PATCH_MALFORMED", revision: 3 })
    assert.include(answer.status === "refused" ? answer.message : "", "deeper than 128")
    assert.deepStrictEqual(await patch([]), refused)
    assert.deepStrictEqual(seen.map(({ operations }) => operations), [null, []])
  })
})

/** What was written into the audit log together with what it did. */
import type { AuditDraft } from "@baton/engine/AuditLog"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { record } from "../../src/access/Recorder.ts"
import { Trail } from "../../src/access/Trail.ts"

const request = HttpServerRequest.fromWeb(new Request("http://127.0.0.1/api/v1/runs", { method: "POST" }))

/** Entries that the recorder writes for a request that the commit has recorded, and that then ends so. */
const written = (end: Effect.Effect<HttpServerResponse.HttpServerResponse>, recorded: boolean) =>
  Effect.gen(function*() {
    const drafts: Array<AuditDraft> = []
    const around = record({ record: (draft) => Effect.sync(() => void drafts.push(draft)) })
    const app = Effect.flatMap(Trail, (trail) => {
      if (recorded && trail !== undefined) trail.recorded = 201
      return end
    })
    yield* Effect.exit(Effect.provideService(around(app), HttpServerRequest.HttpServerRequest, request))
    return drafts.map(({ outcome, status }) => `${outcome} ${status}`)
  })

const answer = (status: number) => Effect.succeed(HttpServerResponse.empty({ status }))

describe("a request whose deed is in the log already", () => {
  it.effect("is not written again, whatever is told of it, also when its client has gone away", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* written(answer(201), true), [])
      assert.deepStrictEqual(yield* written(answer(200), true), [])
      assert.deepStrictEqual(yield* written(Effect.interrupt, true), [])
    }))

  it.effect("is written again when what followed was refused or failed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* written(answer(409), true), ["refused 409"])
      assert.deepStrictEqual(yield* written(answer(503), true), ["failed 503"])
    }))

  it.effect("is another matter than one that nothing has recorded", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* written(answer(201), false), ["done 201"])
      assert.deepStrictEqual(yield* written(Effect.interrupt, false), ["failed 500"])
    }))
})

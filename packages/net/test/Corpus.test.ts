import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { ScriptedNet } from "./ScriptedNet.ts"

const Case = Schema.Struct({
  id: Schema.String,
  url: Schema.String,
  expect: Schema.Literals(["block", "allow"]),
  tier: Schema.Literals(["must", "policy"]),
  why: Schema.String,
  dns: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.Array(Schema.String)))),
  redirect: Schema.optionalKey(Schema.Array(Schema.Struct({ status: Schema.Int, location: Schema.String }))),
  connect_to: Schema.optionalKey(Schema.Array(Schema.String))
})
type Case = typeof Case.Type

const corpus = readFileSync(new URL("../../../test/corpora/ssrf.jsonl", import.meta.url), "utf8")
  .trimEnd().split("\n").map((line) => Schema.decodeUnknownSync(Schema.fromJsonString(Case))(line))

/** What is wrong with the way a case went, in words; empty when all is right. */
const run = Effect.fnUntraced(function*(net: ScriptedNet, { connect_to, dns, expect, id, redirect, url, why }: Case) {
  net.reset({
    ...(dns === undefined ? {} : { dns }),
    answer: (_, response, nth) => {
      const hop = redirect?.[nth]
      if (hop === undefined) response.end("ok")
      else response.writeHead(hop.status, { location: hop.location }).end()
    }
  })
  // A dialer of its own, so that no socket is left from the case before.
  const outcome = yield* HttpDialer.use((dialer) => dialer.request({ method: "GET", url })).pipe(
    Effect.result,
    Effect.provide(net.layer())
  )
  const got = Result.isSuccess(outcome) ? "allow" : "block"
  const stray = net.connects.filter(({ address, forbidden }) =>
    forbidden || (connect_to !== undefined && !connect_to.includes(address))
  )
  return [
    ...(got === expect ? [] : [`${id}: ${got}, not ${expect} (${why}) ${JSON.stringify(outcome)}`]),
    ...stray.map(({ address }) => `${id}: a socket to ${address} (${why})`)
  ]
})

describe("SSRF corpus", () => {
  it.live("holds every case with no socket to a forbidden address", () =>
    Effect.gen(function*() {
      const net = yield* ScriptedNet.make
      const wrong = yield* Effect.forEach(corpus, (one) => run(net, one))
      assert.deepStrictEqual(wrong.flat(), [])
      assert.isAtLeast(corpus.filter(({ tier }) => tier === "must").length, 200)
      assert.isAtLeast(corpus.filter(({ tier }) => tier === "policy").length, 10)
    }).pipe(Effect.scoped), 60_000)
})

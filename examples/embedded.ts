/**
 * Baton inside a program of your own: a flow, a function it calls, and the run as a document.
 *
 *     node examples/embedded.ts
 */
import { Client } from "@baton/contract/Client"
import * as Local from "@baton/server/Local"
import { fromRecord } from "@baton/steps/FunctionHandlers"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

const flow = `
name: greet
inputSchema: { type: object, required: [names], properties: { names: { type: array, items: { type: string } } } }
nodes:
  greet:
    map: "\${ input.names }"
    each: { function: greet, input: { name: "\${ item }" } }
  letter: { needs: [greet], value: "\${ needs.greet.results.join(', ') }" }
output: { letter: "\${ nodes.letter.output }" }
`

const handlers = Result.getOrThrow(fromRecord({
  greet: (input) => `hello ${(input as { readonly name: string }).name}`
}))

const program = Effect.gen(function*() {
  const client = yield* Client
  const run = yield* client.start({ flow: { text: flow, file: "greet.yaml" }, input: { names: ["Ada", "Grace"] } })
  yield* Stream.runDrain(client.events(run.id, { after: 0, follow: true }))
  const ended = yield* client.show(run.id)
  yield* Console.log(JSON.stringify({ status: ended.status, output: ended.output }))
})

await Effect.runPromise(program.pipe(
  Effect.provide(Local.layer({ data: ":memory:", handlers, adopt: false, outputRoot: "output" })),
  Effect.scoped
))

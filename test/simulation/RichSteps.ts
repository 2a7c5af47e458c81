/** What the steps of a rich world do: functions of their input, conversations of several turns, patches of their own plan. */
import type { AgentConversation, Turn } from "@baton/engine/AgentConversation"
import type { PatchAnswer } from "@baton/engine/PlanPatching"
import type { Determinants, StepContext, StepResult } from "@baton/engine/StepType"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { fractionOf } from "../../packages/kernel/test/random/Chance.ts"
import type { Models } from "./models/Models.ts"
import type { RichWorld } from "./RichWorld.ts"
import * as RichWorlds from "./RichWorld.ts"

/** Whether what is going on in this process counts: it lives, and the run is still its own. */
export type Current = () => boolean

const nodeOf = (path: string): string => path.replace(/\[.*$/, "")

/** What determines the result of a node that asks for receipts, beside its definition and input. */
export const determinants = (world: RichWorld, path: string): Determinants => {
  const version = world.rich.version
  if (path === "recK") return { version, effect: "keyed" }
  return path === "recU" ? { unversioned: "nobody has versioned it" } : { version }
}

/** Tokens of one turn, and their price in dollars; every turn costs the same, so that they can be counted. */
export const turnUsage = { calls: 1, inputTokens: 100, outputTokens: 20, costUsd: 0.000_16, model: "m" }

const storeFailed = (message: string): StepError => ({
  code: "CONVERSATION_STORE",
  kind: "internal",
  message,
  retryable: true,
  sent: false
})

interface Talking {
  readonly world: RichWorld
  readonly models: Models
  readonly context: StepContext
  readonly current: Current
}

const place = ({ context, world }: Talking, part: string): number =>
  fractionOf(`${world.rich.seed} ${part} ${context.path}`)

const turnOf = ({ context }: Talking, number: number, calls: number): Turn => ({
  schema: "baton.turn/1",
  model: "scripted/m",
  request: "sha256:0",
  text: `${context.run}/${context.path} ${number}`,
  finishReason: "stop",
  calls: Array.from({ length: calls }, (_, index) => ({
    id: `${number}.${index}`,
    name: index === 0 ? "look" : "send",
    params: { number, index }
  })),
  usage: turnUsage,
  warnings: []
})

/** Pays for a turn and records it. */
const ask = Effect.fnUntraced(function*(talking: Talking, talk: AgentConversation, number: number, calls: number) {
  const { context: { attempt, path, run }, current, models } = talking
  yield* Effect.sleep(50 + place(talking, `turn ${number}`) * 2_000)
  if (current()) models.conversations.pays(run, path, attempt, number)
  const turn = turnOf(talking, number, calls)
  yield* Effect.mapError(talk.record(turn), ({ message }) => storeFailed(message))
  return turn
})

/** One tool call: the first of a turn looks, the others send something that cannot be taken back. */
const callTool = Effect.fnUntraced(
  function*(talking: Talking, talk: AgentConversation, asked: Turn["calls"][number], ordinal: number) {
    const { context: { path, run }, current, models } = talking
    const call = { key: talk.key(asked.name, ordinal, asked.params), tool: asked.name, ordinal }
    const failed = ({ message }: { readonly message: string }) => storeFailed(message)
    const known = yield* Effect.mapError(talk.result(call.key), failed)
    if (known !== undefined) return
    const isGrave = asked.name === "send"
    if (isGrave) yield* Effect.mapError(talk.begin(call), failed)
    if (current()) models.conversations.calls(run, path, call.key, isGrave)
    yield* Effect.sleep(place(talking, `call ${ordinal}`) * 800)
    yield* Effect.mapError(talk.end(call, { output: ordinal, failed: false }), failed)
  }
)

const talk = Effect.fnUntraced(function*(talking: Talking): Effect.fn.Return<StepResult, StepError> {
  const { context, world } = talking
  const { attempt, path } = context
  const conversation = context.conversation(0)
  const recorded = yield* Effect.mapError(conversation.turns, ({ message }) => storeFailed(message))
  const said: Array<string> = []
  let ordinal = 0
  const script = RichWorlds.scriptOf(world, path)
  for (const [index, calls] of script.entries()) {
    const turn = recorded[index] ?? (yield* ask(talking, conversation, index + 1, calls))
    said.push(turn.text)
    for (const asked of turn.calls) yield* callTool(talking, conversation, asked, ++ordinal)
    // What led to the answer is at fault now and then, before the answer or in it.
    if (place(talking, `breaks ${index} ${attempt}`) < 0.15) {
      return yield* Effect.fail<StepError>({
        code: "MODEL_BROKE",
        kind: index === script.length - 1 ? "validation" : "http",
        message: "the answer is of no use",
        retryable: true,
        status: 503,
        sent: true
      })
    }
  }
  return { output: { said, n: 1 } }
})

const edge = (from: string, to: string, more: { readonly [key: string]: Json } = {}): Json => ({
  op: "add",
  path: "/edges/-",
  value: { from, to, ...more }
})
const node = (value: { readonly [key: string]: Json }): Json => ({ op: "add", path: "/nodes/-", value })

/** What a scripted agent asks of its plan: within the flow's policy, or beyond it in one way. */
export const operationsOf = (world: RichWorld, self: string, id: string): Json => {
  const work = { id, type: "function", function: "f" }
  const plain = node({ id, type: "transform", value: 1 })
  const ways: ReadonlyArray<Json> = [
    [plain, edge(self, id)],
    [plain, edge(self, id)],
    [plain, edge(self, id, { on: "always" })],
    [node(work), edge(self, id)],
    [node({ ...work, function: "g" }), edge(self, id)],
    [plain, edge(self, id), edge(id, "end")],
    [plain, edge(self, id), edge(id, "n0")],
    [plain, edge(self, id, { on: "failure" })],
    [node({ ...work, effect: "irreversible" }), edge(self, id)],
    [node({ id, type: "agent", agent: { instructions: "more" } }), edge(self, id)],
    [node({ id, type: "http", url: "http://127.0.0.1/x" }), edge(self, id)],
    [node({ id, type: "map", over: [1], each: { type: "function", function: "g" } }), edge(self, id)],
    [{ op: "remove", path: "/nodes/end" }],
    [{ op: "replace", path: "/nodes/end/value", value: 2 }],
    [{ op: "add", path: "/nodes/end/when", value: "false" }],
    [{ op: "add", path: "/policy/patches/review", value: "off" }]
  ]
  return ways[Math.floor(fractionOf(`${world.rich.seed} patches ${self} ${id}`) * ways.length)] ?? []
}

const patching = Effect.fnUntraced(function*(talking: Talking): Effect.fn.Return<void> {
  const { context, current, models, world } = talking
  const { path, run } = context
  const count = 1 + Math.floor(place(talking, "patches") * 2)
  for (let index = 0; index < count; index++) {
    const key = `${path} ${index}`
    const operations = operationsOf(world, path, `${path}x${index}`)
    const answer: PatchAnswer = yield* context.patch({ operations, key })
    if (current()) models.patches.answered(run, operations, answer)
  }
})

/** Undefined: what the step does is decided as in any other world. */
export const act = (
  world: RichWorld,
  models: Models,
  context: StepContext,
  current: Current
): Effect.Effect<StepResult | undefined, StepError> => {
  const talking = { world, models, context, current }
  switch (RichWorlds.kindOf(context.path)) {
    case "talk":
      return talk(talking)
    case "pat":
      return Effect.as(patching(talking), undefined)
    case "rec":
      return Effect.map(
        context.path === "recK" ? Effect.succeed(null) : context.field("input"),
        (input) => ({ output: RichWorlds.resultOf(nodeOf(context.path), input, world.rich.version) })
      )
    default:
      return Effect.succeed(undefined)
  }
}

/** Flows by text or by name: checked, and ready to be frozen. */
import { ClientError } from "@baton/contract/Client"
import * as Compile from "@baton/kernel/Compile"
import type * as Flow from "@baton/kernel/Flow"
import * as FlowShort from "@baton/kernel/FlowShort"
import * as FlowText from "@baton/kernel/FlowText"
import type { Plan } from "@baton/kernel/Plan"
import type { Origin, Problem } from "@baton/kernel/Problem"
import { sameOrigin } from "@baton/kernel/Problem"
import * as Recipes from "@baton/recipes/Recipes"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export interface Checked {
  readonly problems: ReadonlyArray<Problem>
  readonly flow: Flow.Flow | undefined
  readonly plan: Plan | undefined
  /** Where the canonical document's parts stand in the text. */
  readonly origin?: Origin
}

/** Text to plan, with every problem found on the way. */
export const check = (text: string, file: string, agents?: ReadonlySet<string>): Checked => {
  const parsed = FlowText.parse(text, file)
  if (parsed.problems.some((problem) => problem.severity === "error")) {
    return { problems: parsed.problems, flow: undefined, plan: undefined }
  }
  const canonical = FlowShort.toCanonical(parsed.data, parsed.position)
  const compiled = Compile.compile(canonical.flow, {
    origin: canonical.origin,
    problems: [...parsed.problems, ...canonical.problems],
    ...(agents === undefined ? {} : { agents })
  })
  return Result.isSuccess(compiled)
    ? { problems: compiled.success.problems, flow: canonical.flow, plan: compiled.success, origin: canonical.origin }
    : { problems: compiled.failure, flow: canonical.flow, plan: undefined }
}

export const invalid = (file: string, problems: ReadonlyArray<Problem>): ClientError => {
  const errors = problems.filter((problem) => problem.severity === "error")
  return new ClientError({
    reason: "invalid",
    code: "FLOW_INVALID",
    message: `${file} has ${errors.length} problem${errors.length === 1 ? "" : "s"}`,
    hint: `baton flows check ${file}`,
    problems: [...problems]
  })
}

const shipped = new Map<string, Checked>()

/** A flow that comes with Baton; undefined when none has that name. */
export const find = (name: string): Checked | undefined => {
  const known = shipped.get(name)
  if (known !== undefined) return known
  const recipe = Recipes.flows.find((flow) => flow.name === name)
  if (recipe === undefined) return undefined
  const checked = check(recipe.text, `${name}.yaml`)
  shipped.set(name, checked)
  return checked
}

export interface Runnable {
  readonly flow: Flow.Flow
  readonly plan: Plan
  readonly origin: Origin
}

/** The checked flow of a request, or why it cannot be run. */
export const require = (checked: Checked, file: string): Effect.Effect<Runnable, ClientError> =>
  checked.flow === undefined || checked.plan === undefined
    ? Effect.fail(invalid(file, checked.problems))
    : Effect.succeed({ flow: checked.flow, plan: checked.plan, origin: checked.origin ?? sameOrigin })

/** Texts whose flows are kept, and the longest of them, in UTF-16 units. */
const textsMax = 100
const textLengthMax = 64 * 1024

/** By file and text; the longest unused goes first. */
const texts = new Map<string, Runnable>()
/** By document, as long as somebody else keeps it. */
const documents = new WeakMap<Flow.Flow, Runnable>()

const keep = (key: string, runnable: Runnable): void => {
  texts.delete(key)
  texts.set(key, runnable)
  const [oldest] = texts.keys()
  if (texts.size > textsMax && oldest !== undefined) texts.delete(oldest)
}

/** The flow of a text. What it means depends on nothing else, so that a text that comes again is not compiled again. */
export const ofText = (text: string, file: string): Effect.Effect<Runnable, ClientError> =>
  Effect.suspend(() => {
    if (text.length > textLengthMax) return require(check(text, file), file)
    const key = `${file}\0${text}`
    const known = texts.get(key)
    const found = known === undefined ? require(check(text, file), file) : Effect.succeed(known)
    return Effect.tap(found, (runnable) => Effect.sync(() => keep(key, runnable)))
  })

/** The flow of a published document. */
export const ofPublished = (document: Flow.Flow, name: string): Effect.Effect<Runnable, ClientError> =>
  Effect.suspend(() => {
    const known = documents.get(document)
    if (known !== undefined) return Effect.succeed(known)
    const found = require(check(JSON.stringify(document), `${name}.json`), name)
    return Effect.tap(found, (runnable) => Effect.sync(() => documents.set(document, runnable)))
  })

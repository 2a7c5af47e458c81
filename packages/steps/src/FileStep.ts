/**
 * `file`: writes its content below the output root, whole or not at all. Its output is `{path, bytes, sha256}`.
 *
 * `format`: `text` takes text; `json` is the value with two spaces of indentation; `jsonl` is one line per element of a
 * list, streamed chunk by chunk where the list is stored in chunks. Without a format, text is text and anything else is
 * json, or jsonl where the path ends with `.jsonl`.
 */
import type { StepContext, StepResult, StepType } from "@baton/engine/StepType"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as OutputFile from "./OutputFile.ts"
import * as OutputPath from "./OutputPath.ts"

/** The folder below which all files go; made when the first one is written. The operator's, never a flow's. */
export class OutputRoot extends Context.Reference<string>("baton/steps/OutputRoot", { defaultValue: () => "output" }) {}

export const make: Effect.Effect<StepType> = Effect.map(OutputRoot, (root) => ({
  type: "file",
  execute: (context) => execute(root, context)
}))

const execute = Effect.fnUntraced(function*(
  root: string,
  context: StepContext
): Effect.fn.Return<StepResult, StepError> {
  const path = yield* context.field("path")
  const segments = typeof path === "string" ? OutputPath.parse(path) : Result.fail("it is no text")
  if (Result.isFailure(segments)) return yield* Effect.fail(OutputFile.pathRefused(segments.failure))
  const content = yield* contentOf(context, path as string)
  const written = yield* OutputFile.write(root, segments.success, tagOf(context), content)
  return { output: { path: `${root.replace(/[/\\]+$/, "")}/${path as string}`, ...written } }
})

/** The same for all attempts of a step, so that one finishes what another one left. */
const tagOf = (context: StepContext): string =>
  createHash("sha256").update(JSON.stringify([context.tenant, context.run, context.path])).digest("hex").slice(0, 24)

const contentOf = (
  context: StepContext,
  path: string
): Effect.Effect<Stream.Stream<Uint8Array, StepError>, StepError> => {
  const { definition } = context.work
  const format = "format" in definition ? definition.format : undefined
  if (format === "jsonl" || (format === undefined && path.endsWith(".jsonl"))) return linesOf(context, format)
  return Effect.flatMap(context.field("content"), (content) => {
    if (format !== "json" && typeof content === "string") return Effect.succeed(textOf(content))
    if (format === "text") return Effect.fail(noText)
    return Effect.succeed(textOf(`${JSON.stringify(content, null, 2)}\n`))
  })
}

const textOf = (text: string): Stream.Stream<Uint8Array, StepError> => Stream.succeed(Buffer.from(text))

const noText: StepError = {
  code: "CONTENT_INVALID",
  kind: "validation",
  message: "A text file needs text as its content. Use format json or jsonl for other values.",
  retryable: false
}

const linesOf = (
  context: StepContext,
  format: string | undefined
): Effect.Effect<Stream.Stream<Uint8Array, StepError>, StepError> =>
  Effect.map(context.stored("content"), (stored) => {
    if (format === undefined && "v" in stored && typeof stored.v === "string") return textOf(stored.v)
    return context.elements(stored).pipe(
      Stream.mapArray((elements) => [linesBytes(elements)])
    )
  })

const linesBytes = (elements: ReadonlyArray<Json>): Uint8Array =>
  Buffer.from(elements.map((element) => `${JSON.stringify(element)}\n`).join(""))

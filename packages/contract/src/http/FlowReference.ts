/** Flows in requests: documents, as JSON or as text in YAML or JSON, and published ones by name. */
import type { Json } from "@baton/kernel/Value"
import * as Schema from "effect/Schema"
import type { StartRun } from "../Client.ts"

const FlowText = Schema.Struct({
  /** The document in YAML or JSON. */
  text: Schema.String,
  /** What problems call it; its ending says what it is written in. */
  file: Schema.optionalKey(Schema.String)
})

/** A flow document: its text, or itself, in the short or the canonical form. */
export const FlowSource = Schema.Union([FlowText, Schema.Record(Schema.String, Schema.Json)])
export type FlowSource = typeof FlowSource.Type

/** `name`, `name@version`, or a document. */
export const FlowReference = Schema.Union([Schema.String, FlowText, Schema.Record(Schema.String, Schema.Json)])
export type FlowReference = typeof FlowReference.Type

/** The text of a document in a request. */
export const textOf = (flow: FlowSource): { readonly text: string; readonly file: string } =>
  typeof flow["text"] === "string" && !("nodes" in flow)
    ? { text: flow["text"], file: typeof flow["file"] === "string" ? flow["file"] : "flow.yaml" }
    : { text: JSON.stringify(flow), file: "flow.json" }

/** As ports take it. A version has no `@`. */
export const toPort = (flow: FlowReference): StartRun["flow"] => {
  if (typeof flow !== "string") return textOf(flow)
  const at = flow.lastIndexOf("@")
  return at <= 0 ? { name: flow } : { name: flow.slice(0, at), version: flow.slice(at + 1) }
}

/** As requests carry it. */
export const fromPort = (flow: StartRun["flow"]): string | { readonly [key: string]: Json } =>
  "text" in flow
    ? { text: flow.text, file: flow.file }
    : flow.version === undefined
    ? flow.name
    : `${flow.name}@${flow.version}`

/**
 * What an operator's modifications mean for a step: a JSON Merge Patch on its input, for one attempt and those that follow
 * it, never in the plan (SEMANTICS 8.8).
 *
 * The input of an agent, a function or a sub-flow is its field `input`. The input of an http, transform or file step is the
 * object of its evaluated fields, so that `{"url": "…"}` calls another address. A patch holds plain JSON: no expression in
 * it is evaluated, and no secret can be named.
 */
import * as MergePatch from "./MergePatch.ts"
import type { Work } from "./Plan.ts"
import type { Json, JsonObject } from "./Value.ts"

/** Types whose input is the object of these fields. */
const members: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["http", ["url", "headers", "query", "body"]],
  ["transform", ["value"]],
  ["file", ["path", "content"]]
])

/** Types whose input is their field `input`. */
const whole: ReadonlySet<string> = new Set(["agent", "function", "flow"])

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Why these modifications do not fit the step; `undefined` when they do. */
export const problem = (work: Pick<Work, "type">, patch: Json): string | undefined => {
  const violation = MergePatch.check(patch)
  if (violation !== undefined) return violation.message
  const fields = members.get(work.type)
  if (fields === undefined) {
    return whole.has(work.type) ? undefined : `a ${work.type} step has no input that could be changed`
  }
  if (!isObject(patch)) return `the input of a ${work.type} step is an object of ${fields.join(", ")}`
  const unknown = Object.keys(patch).find((name) => !fields.includes(name))
  return unknown === undefined
    ? undefined
    : `a ${work.type} step has no ${JSON.stringify(unknown.slice(0, 80))} that could be changed; it has ${
      fields.join(", ")
    }`
}

/** The field's value with the modifications applied. */
export const modify = (type: string, patch: Json, field: string, value: Json): Json => {
  if (!members.has(type)) return field === "input" ? MergePatch.apply(value, patch) : value
  if (!isObject(patch) || !Object.hasOwn(patch, field)) return value
  return MergePatch.apply(value, patch[field] ?? null)
}

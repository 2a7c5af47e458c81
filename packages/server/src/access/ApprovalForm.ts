/** A form's JSON Schema as fields that a person can fill in, and what they sent as the data that the schema describes. */
import * as JsonText from "@baton/kernel/JsonText"
import type { Json } from "@baton/kernel/Value"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { escape, visible } from "./Page.ts"

/** Fields of one form; a larger one is filled in as JSON. */
const fieldsMax = 50
/** Characters of one field. */
export const fieldLengthMax = 20_000
/** Longer texts have a box of several lines. */
const lineLengthMax = 200

type Fields = { readonly [name: string]: Json }
/** What a browser sent, by the names of the inputs; unchecked boxes are absent. */
export type Values = { readonly [input: string]: string }

interface Field {
  readonly name: string
  /** Of its input. */
  readonly input: string
  readonly required: boolean
  readonly schema: Fields
  readonly kind: "line" | "text" | "number" | "boolean" | "choice" | "json"
}

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What an object's schema may say besides, so that its properties tell all of it. */
const plain = new Set(["$schema", "type", "properties", "required", "title", "description", "additionalProperties"])

const kindOf = (schema: Fields): Field["kind"] => {
  const { maxLength, type } = schema
  if (Array.isArray(schema["enum"]) && schema["enum"].length > 0) return "choice"
  if (type === "boolean") return "boolean"
  if (type === "number" || type === "integer") return "number"
  if (type !== "string") return "json"
  return typeof maxLength === "number" && maxLength <= lineLengthMax ? "line" : "text"
}

/** Undefined: the schema says more than a field for each property can. */
const fieldsOf = (form: Json): ReadonlyArray<Field> | undefined => {
  if (!isFields(form) || form["type"] !== "object" || !isFields(form["properties"])) return undefined
  if (Object.keys(form).some((key) => !plain.has(key))) return undefined
  const properties = Object.entries(form["properties"])
  const required = new Set(Array.isArray(form["required"]) ? form["required"] : [])
  if (properties.length === 0 || properties.length > fieldsMax) return undefined
  return properties.map(([name, schema]) => {
    const of = isFields(schema) ? schema : {}
    return { name, input: `field.${name}`, required: required.has(name), schema: of, kind: kindOf(of) }
  })
}

const textOf = (value: Json | undefined): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)

const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? "" : ` ${name}="${escape(value)}"`

const bound = (name: string, value: Json | undefined): string =>
  typeof value === "number" ? attribute(name, String(value)) : ""

const optionsOf = ({ required, schema }: Field, value: string): string => {
  const choices = (schema["enum"] as ReadonlyArray<Json>).map((choice) => JSON.stringify(choice))
  const none = required && value !== "" ? "" : `<option value="">${required ? "Choose" : "None"}</option>`
  return none + choices.map((choice) => {
    const selected = choice === value ? " selected" : ""
    return `<option value="${escape(choice)}"${selected}>${visible(textOf(JSON.parse(choice)))}</option>`
  }).join("")
}

/** The value that a field shows at first: what was sent before, else the schema's default. */
const valueOf = ({ input, kind, schema }: Field, values: Values | undefined): string => {
  if (values !== undefined) return values[input] ?? ""
  const given = schema["default"]
  if (kind === "boolean") return given === true ? "on" : ""
  return kind === "choice" && given !== undefined ? JSON.stringify(given) : textOf(given)
}

const control = (field: Field, id: string, described: string, values: Values | undefined): string => {
  const { input, kind, required, schema } = field
  const value = valueOf(field, values)
  const named = `id="${id}" name="${escape(input)}"${described}${required && kind !== "boolean" ? " required" : ""}`
  const length = typeof schema["maxLength"] === "number" ? schema["maxLength"] : fieldLengthMax
  switch (kind) {
    case "boolean":
      return `<input type="checkbox" ${named}${value === "" ? "" : " checked"}>`
    case "choice":
      return `<select ${named}>${optionsOf(field, value)}</select>`
    case "number": {
      const limits = bound("min", schema["minimum"]) + bound("max", schema["maximum"])
      const step = schema["type"] === "integer" ? "1" : "any"
      return `<input type="number" step="${step}" ${named}${limits} value="${escape(value)}">`
    }
    case "line":
      return `<input type="text" maxlength="${length}" ${named} value="${escape(value)}">`
    default:
      return `<textarea maxlength="${length}" ${named}>\n${escape(value)}</textarea>`
  }
}

const fieldHtml = (field: Field, index: number, values: Values | undefined): string => {
  const { kind, name, required, schema } = field
  const id = `field-${index}`
  const title = typeof schema["title"] === "string" ? schema["title"] : name
  const hints = [
    typeof schema["description"] === "string" ? visible(schema["description"]) : "",
    kind === "json" ? "As JSON." : ""
  ].filter((hint) => hint !== "")
  const hint = hints.length === 0 ? "" : `<span class="hint" id="${id}-hint">${hints.join(" ")}</span>`
  const box = control(field, id, hint === "" ? "" : ` aria-describedby="${id}-hint"`, values)
  const label = `<label for="${id}">${visible(title)}${
    required || kind === "boolean" ? "" : " (may be left empty)"
  }</label>`
  return kind === "boolean" ? `<p class="check">${box} ${label}${hint}</p>` : `<p>${label}${hint}${box}</p>`
}

/** The inputs of a form; a schema that is no list of plain fields is filled in as JSON. */
export const html = (form: Json, values: Values | undefined): string => {
  const fields = fieldsOf(form)
  if (fields !== undefined) return fields.map((field, index) => fieldHtml(field, index, values)).join("\n")
  return `<p><label for="data">What the form asks for, as JSON</label>
<textarea id="data" name="data" maxlength="${fieldLengthMax}">\n${escape(values?.["data"] ?? "")}</textarea></p>`
}

/** Whether the schema has to be shown for the form to be understood. */
export const isPlain = (form: Json): boolean => fieldsOf(form) !== undefined

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))

const json = (text: string, name: string): Result.Result<Json, string> =>
  Result.mapError(decodeJson(text), () => `${name} is no JSON.`)

const read = ({ kind, name }: Field, text: string): Result.Result<Json, string> => {
  if (kind === "json" || kind === "choice") return json(text, name)
  if (kind === "boolean") return Result.succeed(true)
  if (kind !== "number") return Result.succeed(text)
  const number = Number(text)
  if (text.trim() === "" || !Number.isFinite(number)) return Result.succeed(text)
  return JsonText.isExact(text.trim(), number)
    ? Result.succeed(number)
    : Result.fail(`${name} has more digits than a number keeps; ${number} would be left of it.`)
}

/** The data of a filled form. What is empty is left out, so that the schema says whether it may be; a box is true or false. */
export const dataOf = (form: Json, values: Values): Result.Result<Json | undefined, string> => {
  const fields = fieldsOf(form)
  if (fields === undefined) {
    const text = values["data"] ?? ""
    return text === "" ? Result.succeed(undefined) : json(text, "What the form asks for")
  }
  const data: { [name: string]: Json } = {}
  for (const field of fields) {
    const text = values[field.input] ?? ""
    if (text === "" && field.kind !== "boolean") continue
    const value = text === "" ? Result.succeed(false) : read(field, text)
    if (Result.isFailure(value)) return Result.fail(value.failure)
    Object.defineProperty(data, field.name, { value: value.success, enumerable: true })
  }
  return Result.succeed(data)
}

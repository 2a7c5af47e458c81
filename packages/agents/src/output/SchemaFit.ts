/** How an author's JSON Schema meets what model endpoints accept as an output schema. */
import type { Json, JsonObject } from "@baton/kernel/Value"

/** The property that carries a value whose schema is not an object's; endpoints want an object at the root. */
const wrapKey = "value"

export interface Fit {
  /** An object schema, to send. */
  readonly schema: JsonObject
  /** Undoes the wrapping, in an answer. */
  readonly unwrap: (answer: Json) => Json
}

/** `undefined` when the schema cannot be wrapped without changing what its references mean. */
export const fit = (schema: JsonObject): Fit | undefined => {
  if (schema["type"] === "object" || (schema["type"] === undefined && isObject(schema["properties"]))) {
    return { schema, unwrap: (answer) => answer }
  }
  const { $defs, $schema, definitions, ...inner } = schema
  if (refs(inner).some((ref) => !/^#\/(\$defs|definitions)\//.test(ref))) return undefined
  const defs = { ...($defs === undefined ? {} : { $defs }), ...(definitions === undefined ? {} : { definitions }) }
  return {
    schema: {
      ...($schema === undefined ? {} : { $schema }),
      type: "object",
      properties: { [wrapKey]: inner },
      required: [wrapKey],
      additionalProperties: false,
      ...defs
    },
    unwrap: (answer) => isObject(answer) && Object.keys(answer).join() === wrapKey ? answer[wrapKey] ?? null : answer
  }
}

/** Whether OpenAI's strict mode takes the schema: closed objects, every property required, a subset of keywords. */
export const isStrict = (schema: JsonObject): boolean =>
  schema["type"] === "object" && schema["anyOf"] === undefined && isStrictPart(schema)

const strictKeywords = new Set(
  ("$defs $ref $schema additionalProperties anyOf const definitions description enum exclusiveMaximum " +
    "exclusiveMinimum format items maxItems maximum minItems minimum multipleOf pattern properties required title type")
    .split(" ")
)

const isStrictPart = (schema: Json | undefined): boolean => {
  if (!isObject(schema)) return false
  if (Object.keys(schema).some((keyword) => !strictKeywords.has(keyword))) return false
  const properties = isObject(schema["properties"]) ? schema["properties"] : {}
  const names = Object.keys(properties)
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  const types = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"]]
  if (types.includes("object") || names.length > 0) {
    if (schema["additionalProperties"] !== false || !names.every((name) => required.includes(name))) return false
  }
  const parts: Array<Json | undefined> = Object.values(properties)
  if (schema["items"] !== undefined) parts.push(schema["items"])
  if (Array.isArray(schema["anyOf"])) parts.push(...schema["anyOf"])
  for (const defs of [schema["$defs"], schema["definitions"]]) if (isObject(defs)) parts.push(...Object.values(defs))
  return parts.every(isStrictPart)
}

const refs = (value: Json): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap(refs)
  if (!isObject(value)) return []
  const own = typeof value["$ref"] === "string" ? [value["$ref"]] : []
  return [...own, ...Object.values(value).flatMap(refs)]
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

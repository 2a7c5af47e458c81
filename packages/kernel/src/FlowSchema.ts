/**
 * The JSON Schema of flow documents, both spellings, for editors and for those who write flows by program. It is made from
 * the schemas of `Flow`; `npm run schemas` writes it to `schemas/flow.json`.
 *
 * It says what a document may look like. Whether names exist and the graph holds together, only the compiler can say.
 */
import * as Schema from "effect/Schema"
import * as Flow from "./Flow.ts"
import type { Json } from "./Value.ts"

/** Names the schema; servers offer it at `/schemas/flow.json`. */
export const id = "urn:baton:schema:flow"

const { agent, approval, file, flow, function: fn, http, map, repeat, transform, wait } = Flow.typeFields
const optional = Schema.optionalKey
type Fields = Schema.Struct.Fields

/** The fields without those named; `type` is what the naming key replaces. */
const without = (fields: Fields, ...names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "type" && !names.includes(name)))

const Receipt = Schema.Union([Schema.Boolean, Schema.Struct({ ttl: optional(Flow.DurationText) })])
const Text = Schema.String
/** Statuses may be written as numbers in the short form. */
const retry = { ...Flow.Retry.fields, on: optional(Schema.Array(Schema.Union([Text, Schema.Int]))) }
const Retry = Schema.Struct(retry).annotate({ identifier: "ShortRetry" })
const JsonSchema = Flow.commonFields.output

const needs = optional(Schema.Union([Text, Schema.Array(Text)]))
const bodyFields: Fields = {
  ...Flow.commonFields,
  outputSchema: JsonSchema,
  reuse: optional(Receipt),
  retry: optional(Retry)
}
const nodeFields: Fields = { ...bodyFields, needs, depends_on: needs }

/** Either the named field's value, or an object of the type's own fields. */
const orFields = (value: Schema.Struct.Fields[string], fields: Fields): Fields[string] =>
  Schema.Union([value as Schema.Codec<unknown>, Schema.Struct(fields) as unknown as Schema.Codec<unknown>])

const relaxed = (fields: Fields, ...names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(
    Object.entries(without(fields, ...names)).map(([name, field]) => [
      name,
      "schema" in field ? field : optional(field as Schema.Codec<unknown>)
    ])
  )

const bodies = (common: Fields): ReadonlyArray<Fields> => [
  { ...common, ...without(http, "url", "method"), http: Text },
  { ...common, ...without(agent), agent: agent.agent },
  { ...common, value: transform.value },
  { ...common, function: fn.function },
  { ...common, ...without(file, "path"), file: file.path },
  { ...common, flow: flow.flow }
]

const unionOf = (
  shapes: ReadonlyArray<Fields>,
  identifier: string,
  more: Schema.Codec<unknown>
): Schema.Codec<unknown> =>
  Schema.Union([...shapes.map((fields) => Schema.Struct(fields) as unknown as Schema.Codec<unknown>), more])
    .annotate({ identifier })

const Body = unionOf(bodies(bodyFields), "ShortBody", Flow.Body as unknown as Schema.Codec<unknown>)

const choices = Schema.Record(Text, Schema.String)
const containers: ReadonlyArray<Fields> = [
  { ...nodeFields, ...without(map, "over", "each"), map: map.over, each: Body },
  { ...nodeFields, ...without(map, "over", "each"), map: map.over, flow: flow.flow },
  {
    ...nodeFields,
    repeat: orFields(repeat.max, { each: optional(Body), until: optional(repeat.until), max: optional(repeat.max) }),
    each: optional(Body),
    until: optional(repeat.until),
    max: optional(repeat.max)
  },
  { ...nodeFields, approval: orFields(Text, relaxed(approval)), ...relaxed(approval, "question") },
  { ...nodeFields, wait: orFields(Text, relaxed(wait)) },
  { ...nodeFields, choice: choices }
]

/** A canonical node in a document of people: with `needs`, and short bodies in its containers. */
const listed = Flow.Node.members.map(({ fields }): Fields => {
  const shared = { ...nodeFields, ...fields }
  return "each" in fields ? { ...shared, retry: optional(Retry), each: Body } : { ...shared, retry: optional(Retry) }
})
const ListedNode = Schema.Union(
  listed.map((fields) => Schema.Struct(fields) as unknown as Schema.Codec<unknown>)
).annotate({ identifier: "Node" })

const keyed = listed.map(({ id: _, ...fields }) => fields)
const KeyedNode = Schema.Union(
  [...bodies(nodeFields), ...containers, ...keyed].map((fields) =>
    Schema.Struct(fields) as unknown as Schema.Codec<unknown>
  )
).annotate({ identifier: "ShortNode" })

const FlowDocument = Schema.Struct({
  ...Flow.Flow.fields,
  inputSchema: JsonSchema,
  defaults: optional(Schema.Struct({ timeout: optional(Flow.DurationText), retry: optional(Retry) })),
  nodes: Schema.Union([Schema.Array(ListedNode), Schema.Record(Flow.NodeId, KeyedNode)]),
  edges: optional(Schema.Array(Flow.Edge))
})

/** The published document. */
export const document = (): Json => {
  const made = Schema.toJsonSchemaDocument(FlowDocument as unknown as Schema.Codec<unknown>, {
    onExcessProperty: "error"
  })
  const text = JSON.stringify({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: id,
    title: "Baton flow",
    ...made.schema,
    $defs: made.definitions
  })
  const value: Json = JSON.parse(text)
  return value
}

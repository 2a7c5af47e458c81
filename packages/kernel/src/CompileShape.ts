/**
 * First pass of the compiler: does the document have the shape of `Flow`? The schemas of `Flow.ts` are the only source of
 * what is allowed. A faulty field is reported and left out, so that later passes can still find what else is wrong.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Flow from "./Flow.ts"
import type { Report } from "./Problem.ts"
import { idPattern } from "./StepPath.ts"
import type { Json } from "./Value.ts"

export type Fields = { readonly [key: string]: Json }
type Struct = Schema.Struct<Schema.Struct.Fields>
type Decode = (value: unknown) => Result.Result<unknown, Schema.SchemaError>

/** A node as far as it could be read. `fields` holds what is well formed; `whole` says that nothing is missing. */
export interface DraftNode {
  /** Position in the document's `nodes`. */
  readonly index: number
  readonly pointer: string
  readonly id: string
  readonly type: Flow.NodeType | undefined
  readonly fields: Fields
  readonly whole: boolean
  readonly body: DraftBody | undefined
}

/** The `each` of a map or repeat. */
export interface DraftBody {
  readonly pointer: string
  readonly type: Flow.NodeType
  readonly fields: Fields
  readonly whole: boolean
}

/** An edge with its position in the document's `edges`. */
export interface DraftEdge {
  readonly index: number
  readonly edge: Flow.Edge
  /** The nodes that it joins, where they are known already. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export interface Draft {
  readonly head: Fields
  readonly nodes: ReadonlyArray<DraftNode>
  readonly edges: ReadonlyArray<DraftEdge>
}

/** Where an edge stands in the document. */
export const edgePointer = ({ index }: { readonly index: number }): string => `/edges/${index}`

/** Most nodes of one flow. */
export const nodesMax = 20_000
/** Most edges of one flow. */
export const edgesMax = 100_000

const decoder = (schema: Struct): Decode =>
  Schema.decodeUnknownResult(schema as unknown as Schema.Codec<unknown>, { errors: "all", onExcessProperty: "error" })

interface Shape {
  readonly struct: Struct
  readonly decode: Decode
}
const shape = (struct: Struct): Shape => ({ struct, decode: decoder(struct) })

const byType = (members: ReadonlyArray<{ readonly fields: Schema.Struct.Fields }>): ReadonlyMap<string, Shape> =>
  new Map(members.map(({ fields }) => {
    const loose = "each" in fields ? { ...fields, each: Schema.Unknown } : fields
    const type = (fields["type"] as unknown as { readonly literal: string }).literal
    return [type, shape(Schema.Struct(loose))] as const
  }))

const nodeShapes = byType(Flow.Node.members)
const bodyShapes = byType(Flow.Body.members)
const headShape = shape(Schema.Struct({ ...Flow.Flow.fields, nodes: Schema.Unknown, edges: Schema.Unknown }))
const edgeShape = shape(Flow.Edge)

/** The fields of a node type: its own before those that all types have; none when the type is unknown. */
export const fieldsOf = (type: string): ReadonlyArray<string> => {
  const fields = Object.keys(nodeShapes.get(type)?.struct.fields ?? {})
  const common = new Set(Object.keys(nodeShapes.get("transform")?.struct.fields ?? {}).filter((_) => _ !== "value"))
  return [...fields.filter((field) => !common.has(field)), ...fields.filter((field) => common.has(field))]
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
export const own = (fields: Fields, key: string): Json | undefined =>
  Object.hasOwn(fields, key) ? fields[key] : undefined

/** Reads a document that is known to be JSON. */
export const read = (document: Json, report: Report): Draft => {
  if (!isFields(document)) {
    report.add("NOT_A_FLOW", "", "A flow is an object.", { expected: "an object with name, nodes and edges" })
    return { head: {}, nodes: [], edges: [] }
  }
  const whole = { ...document, nodes: own(document, "nodes") ?? null, edges: own(document, "edges") ?? null }
  const head = conform(whole, headShape, "", report)
  const nodes = list(document, "nodes", nodesMax, report).map((value, index) => readNode(value, index, report))
  const edges = list(document, "edges", edgesMax, report).flatMap((value, index) => readEdge(value, index, report))
  return { head: head.fields, nodes, edges }
}

export const readEdge = (value: Json, index: number, report: Report): ReadonlyArray<DraftEdge> => {
  const pointer = edgePointer({ index })
  if (!isFields(value)) {
    report.add("WRONG_TYPE", pointer, "An edge is an object.", { expected: "{from, to}" })
    return []
  }
  const { fields, whole } = conform(value, edgeShape, pointer, report)
  return whole ? [{ index, edge: fields as unknown as Flow.Edge }] : []
}

export const list = (document: Fields, key: string, most: number, report: Report): ReadonlyArray<Json> => {
  const value = own(document, key)
  if (value === undefined) {
    if (key === "nodes") report.add("MISSING_FIELD", "", "The flow has no nodes.", { expected: "nodes" })
    return []
  }
  if (!Array.isArray(value)) {
    report.add("WRONG_TYPE", `/${key}`, `${key} is a list.`, { expected: "a list" })
    return []
  }
  if (value.length > most) {
    report.add("TOO_MANY_NODES", `/${key}`, `There are ${value.length} ${key}, more than ${most}.`)
    return []
  }
  return value
}

export const readNode = (value: Json, index: number, report: Report): DraftNode => {
  const pointer = `/nodes/${index}`
  const empty = { index, pointer, id: "", type: undefined, fields: {}, whole: false, body: undefined }
  if (!isFields(value)) {
    report.add("WRONG_TYPE", pointer, "A node is an object.", { expected: "an object with id and type" })
    return empty
  }
  const rawId = own(value, "id")
  const id = typeof rawId === "string" && idPattern.test(rawId) ? rawId : ""
  if (rawId === undefined) report.add("MISSING_FIELD", pointer, "The node has no id.", { expected: "id" })
  else if (id === "") report.add("BAD_ID", `${pointer}/id`, `${quote(rawId)} is no id.`, { expected: idExpected })
  const found = findShape(own(value, "type"), nodeShapes, pointer, report)
  if (found === undefined) return { ...empty, id }
  const { fields, whole } = conform(value, found.shape, pointer, report, "id")
  const type = found.type as Flow.NodeType
  const each = own(value, "each")
  const body = type !== "map" && type !== "repeat" || each === undefined ? undefined : readBody(each, pointer, report)
  const complete = whole && id !== "" && (body?.whole ?? (type !== "map" && type !== "repeat"))
  return { index, pointer, id, type, fields, whole: complete, body }
}

const idExpected = "a letter, then letters, digits, _ or -, at most 64"

const readBody = (value: Json, parent: string, report: Report): DraftBody | undefined => {
  const pointer = `${parent}/each`
  if (!isFields(value)) {
    report.add("WRONG_TYPE", pointer, "each is a node without an id.", { expected: "an object with a type" })
    return undefined
  }
  const found = findShape(own(value, "type"), bodyShapes, pointer, report)
  if (found === undefined) return undefined
  return { pointer, type: found.type as Flow.NodeType, ...conform(value, found.shape, pointer, report) }
}

const findShape = (
  type: Json | undefined,
  shapes: ReadonlyMap<string, Shape>,
  pointer: string,
  report: Report
): { readonly type: string; readonly shape: Shape } | undefined => {
  const expected = [...shapes.keys()].join(", ")
  if (typeof type !== "string") {
    if (type === undefined) {
      report.add("MISSING_FIELD", pointer, "The node has no type.", { expected: `type: ${expected}` })
    } else report.add("WRONG_TYPE", `${pointer}/type`, "A type is a name.", { expected })
    return undefined
  }
  const found = shapes.get(type)
  if (found !== undefined) return { type, shape: found }
  const message = nodeShapes.has(type)
    ? `A ${type} cannot be the body of a map or repeat.`
    : `There is no node type ${quote(type)}.`
  report.add("UNKNOWN_NODE_TYPE", `${pointer}/type`, message, {
    expected,
    suggestion: report.nearest(type, shapes.keys())
  })
  return undefined
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "MissingKey" || issue._tag === "UnexpectedKey" ? issue._tag : SchemaIssue.defaultLeafHook(issue)
})

/** Checks fields against a struct; those with issues are reported and left out. */
const conform = (
  value: Fields,
  { decode, struct }: Shape,
  pointer: string,
  report: Report,
  ignore = ""
): { readonly fields: Fields; readonly whole: boolean } => {
  const decoded = decode(value)
  if (Result.isSuccess(decoded)) return { fields: value, whole: true }
  const faulty = new Set<string>()
  let whole = true
  for (const { message, path = [] } of formatIssues(decoded.failure.issue).issues) {
    const keys = path.map((part) => String(typeof part === "object" ? part.key : part))
    const field = keys[0] ?? ""
    if (message !== "UnexpectedKey" || keys.length > 1) whole = whole && field === ignore
    faulty.add(field)
    if (field !== ignore || keys.length > 1) reportIssue(message, keys, value, struct, pointer, report)
  }
  const kept = Object.entries(value).filter(([key]) => !faulty.has(key))
  return { fields: Object.fromEntries(kept), whole }
}

const reportIssue = (
  message: string,
  keys: ReadonlyArray<string>,
  value: Fields,
  struct: Struct,
  pointer: string,
  report: Report
): void => {
  const last = keys.at(-1) ?? ""
  const where = pointer + keys.map((key) => `/${escape(key)}`).join("")
  if (message === "MissingKey") {
    const parent = pointer + keys.slice(0, -1).map((key) => `/${escape(key)}`).join("")
    return report.add("MISSING_FIELD", parent, `${quote(last)} is missing.`, { expected: last })
  }
  if (message === "UnexpectedKey") {
    const names = namesAt(struct, keys.slice(0, -1))
    const suggestion = report.nearest(last, names.filter((name) => !Object.hasOwn(value, name)))
    const expected = names.length === 0 ? undefined : names.join(", ")
    return report.add("UNKNOWN_FIELD", where, `There is no field ${quote(last)} here.`, { expected, suggestion })
  }
  const text = message.replace(/^Expected /, "")
  report.add("WRONG_TYPE", where, `${quote(last)} should be ${text}.`, { expected: text })
}

type Node = { readonly fields?: Schema.Struct.Fields; readonly members?: ReadonlyArray<Node>; readonly schema?: Node }

/** The field names that a schema allows at a path; empty where it is open. */
const namesAt = (schema: Node, path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [key, ...rest] = path
  if (schema.members !== undefined) return [...new Set(schema.members.flatMap((member) => namesAt(member, path)))]
  if (schema.fields === undefined) return schema.schema === undefined ? [] : namesAt(schema.schema, path)
  if (key === undefined) return Object.keys(schema.fields)
  const field = schema.fields[key] as unknown as Node | undefined
  return field === undefined ? [] : namesAt(field, rest)
}

export const escape = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1")
export const quote = (value: Json): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return `'${text.length > 60 ? `${text.slice(0, 57)}…` : text}'`
}

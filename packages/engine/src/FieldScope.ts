/**
 * What the expressions of one attempt see, built from stored values and read no further than needed.
 *
 * Promise. A blob is loaded only when an expression reads into it: large values appear as members that note what is
 * missing, and the expression is asked again once it is there. A template that is one lone reference is never evaluated:
 * what it names is handed on, unread where the caller can take it as it is stored (SEMANTICS 8.6f).
 */
import type { ExpressionError, References, Scope, Template } from "@baton/kernel/Expression"
import type { StepError } from "@baton/kernel/StepError"
import type { BlobRef, Json, Value } from "@baton/kernel/Value"
import { refs } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as AttemptOutput from "./AttemptOutput.ts"
import type { BlobStore, BlobStoreError } from "./BlobStore.ts"

/** Bytes of stored values that one evaluation may read into (SEMANTICS 8.6b). */
export const readBytesMax = 4 * 1024 * 1024
/** Bytes of a large value that is handed to a step whole. */
export const wholeBytesMax = 64 * 1024 * 1024
/** Times one template is asked again because it read into something that was not loaded. */
const roundsMax = 64

/** A settled node as expressions see it. */
export interface NodeView {
  readonly status: string
  /** Absent where the node has no output: null for the reader. */
  readonly output: Value | undefined
  readonly error: { readonly code: string; readonly message: string } | undefined
  readonly outcome: string | undefined
  readonly agent: string | undefined
}

/** Where values come from: the run's state as of the step's first dispatch (SEMANTICS 8.6d). */
export interface Source {
  /** `input`, `run`, `item`, `index`, `last`. */
  readonly root: (name: string) => Value | undefined
  readonly node: (id: string) => NodeView | undefined
  /** The direct needs: `needs` holds those of them that have succeeded or failed. */
  readonly needs: ReadonlyArray<string>
  /** Everything `nodes` may hold. */
  readonly ancestors: ReadonlyArray<string>
}

export interface FieldScope {
  /** The template's value. `extra` are roots that are there for this evaluation only, such as `output`. */
  readonly json: (template: Template, field: string, extra?: Scope) => Effect.Effect<Json, StepError>
  /** As `json`, but what a lone reference names comes back as it is stored. */
  readonly stored: (template: Template, field: string) => Effect.Effect<Value, StepError>
  /** The elements of a list, one chunk in memory at a time; anything else is one element. */
  readonly elements: (value: Value) => Stream.Stream<Json, StepError>
  /** All of a value. */
  readonly load: (value: Value) => Effect.Effect<Json, StepError>
}

export const make = (tenant: string, source: Source, blobs: BlobStore["Service"]): FieldScope => {
  const reader: Reader = { tenant, source, blobs, cache: undefined }
  return {
    json: (template, field, extra) => json(reader, template, field, extra),
    stored: (template, field) => stored(reader, template, field),
    elements: (value) => elements(reader, value),
    load: (value) => load(reader, value)
  }
}

interface Reader {
  readonly tenant: string
  readonly source: Source
  readonly blobs: BlobStore["Service"]
  /** What has been loaded, once something has. */
  cache: Map<BlobRef, Json> | undefined
}

const keep = (reader: Reader, ref: BlobRef, json: Json): void => {
  reader.cache ??= new Map()
  reader.cache.set(ref, json)
}

const stored = (reader: Reader, template: Template, field: string): Effect.Effect<Value, StepError> => {
  const whole = (v: Json): Value => ({ v })
  const found = template.lone === undefined ? undefined : follow(reader, template.lone, undefined)
  if (found === undefined) return Effect.map(json(reader, template, field, undefined), whole)
  if (!Effect.isEffect(found)) return Effect.succeed(found)
  return Effect.flatMap(
    found,
    (value) =>
      value === undefined
        ? Effect.map(evaluate(reader, template, field, undefined), whole)
        : Effect.succeed(value)
  )
}

const json = (
  reader: Reader,
  template: Template,
  field: string,
  extra: Scope | undefined
): Effect.Effect<Json, StepError> => {
  if (template.constant) return settle(template.evaluate(noScope), field)
  if (template.lone === undefined) return evaluate(reader, template, field, extra)
  const found = follow(reader, template.lone, extra)
  if (found === undefined) return evaluate(reader, template, field, extra)
  if (!Effect.isEffect(found)) return load(reader, found)
  return Effect.flatMap(
    found,
    (value) => value === undefined ? evaluate(reader, template, field, extra) : load(reader, value)
  )
}

const noScope: Scope = {}

const settle = (result: Result.Result<Json, ExpressionError>, field: string): Effect.Effect<Json, StepError> =>
  Result.isSuccess(result) ? Effect.succeed(result.success) : Effect.fail(expressionError(result.failure, field))

const expressionError = (error: ExpressionError, field: string): StepError => ({
  code: error.code,
  kind: "expression",
  message: `${field}: ${error.message}`,
  retryable: false,
  sent: false
})

type Found = Value | undefined

/** The stored value at the end of a path; `undefined` when only an evaluation can tell what is wrong with it. */
const follow = (
  reader: Reader,
  path: ReadonlyArray<string>,
  extra: Scope | undefined
): Found | Effect.Effect<Found, StepError> => {
  const root = path[0]
  if (root === undefined) return undefined
  if (extra !== undefined && Object.hasOwn(extra, root)) {
    const given = extra[root]
    return given === undefined ? undefined : descend(reader, { v: given }, path, 1)
  }
  if (root !== "needs" && root !== "nodes") {
    const value = reader.source.root(root)
    return value === undefined ? undefined : descend(reader, value, path, 1)
  }
  const id = path[1]
  if (id === undefined || (root === "needs" && !reader.source.needs.includes(id))) return undefined
  const node = reader.source.node(id)
  if (node === undefined) return undefined
  if (root === "needs" && !isReadable(node)) return undefined
  if (root === "needs") return descend(reader, node.output ?? nothing, path, 2)
  if (path[2] === "output") return descend(reader, node.output ?? nothing, path, 3)
  return path.length === 2 ? undefined : descend(reader, { v: facts(node) }, path, 2)
}

const nothing: Value = { v: null }

/** Nodes that ended without running have no place among the needs. */
const isReadable = (node: NodeView): boolean =>
  node.status === "succeeded" || node.status === "failed" || node.status === "reused"

const facts = (node: NodeView): { readonly [key: string]: Json } => ({
  status: node.status,
  error: node.error === undefined ? null : { code: node.error.code, message: node.error.message },
  outcome: node.outcome ?? null,
  agent: node.agent ?? null
})

const descend = (
  reader: Reader,
  value: Value,
  path: ReadonlyArray<string>,
  from: number
): Found | Effect.Effect<Found, StepError> => {
  let at = from
  let current = value
  while (at < path.length && "fields" in current) {
    const next: Value | undefined = Object.hasOwn(current.fields, path[at]!) ? current.fields[path[at]!] : undefined
    if (next === undefined) return undefined
    current = next
    at++
  }
  if (at === path.length) return current
  if ("v" in current) return walk(current.v, path, at)
  if ("ref" in current) return Effect.map(load(reader, current), (whole) => walk(whole, path, at))
  return undefined
}

const walk = (value: Json, path: ReadonlyArray<string>, from: number): Found => {
  let current: Json = value
  for (let at = from; at < path.length; at++) {
    if (typeof current !== "object" || current === null || Array.isArray(current)) return undefined
    if (!Object.hasOwn(current, path[at]!)) return undefined
    current = (current as { readonly [key: string]: Json })[path[at]!]!
  }
  return { v: current }
}

/** One evaluation: what it has read into so far, and what it found missing. */
interface Reading {
  readonly reader: Reader
  readonly missing: Map<BlobRef, number>
  /** How often a read came back empty-handed. */
  misses: number
  /** Whether the scope has members that look for their value when they are read. */
  lazy: boolean
}

const evaluate = (
  reader: Reader,
  template: Template,
  field: string,
  extra: Scope | undefined
): Effect.Effect<Json, StepError> => {
  const reading: Reading = { reader, missing: new Map(), misses: 0, lazy: false }
  const scope = build(reading, template.references, extra)
  const result = ask(reading, template, scope)
  if (reading.missing.size === 0) return settle(result, field)
  return askAgain(reading, template, scope, field)
}

const ask = (reading: Reading, template: Template, scope: Scope): Result.Result<Json, ExpressionError> => {
  const result = template.evaluate(scope)
  if (!reading.lazy || reading.missing.size > 0 || Result.isFailure(result)) return result
  const whole = AttemptOutput.copy(result.success)
  return Result.mapError(whole, (problem) => ({
    code: "EXPRESSION_FAILED",
    message: `The result is no JSON: ${problem}`,
    source: ""
  }))
}

const askAgain = Effect.fnUntraced(function*(reading: Reading, template: Template, scope: Scope, field: string) {
  let bytes = 0
  for (let round = 0; round < roundsMax; round++) {
    for (const size of reading.missing.values()) bytes += size
    if (bytes > readBytesMax) break
    for (const ref of reading.missing.keys()) keep(reading.reader, ref, yield* read(reading.reader, ref))
    reading.missing.clear()
    const result = ask(reading, template, scope)
    if (reading.missing.size === 0) return yield* settle(result, field)
  }
  return yield* Effect.fail(expressionError({
    code: "EXPRESSION_LIMIT",
    message:
      `It reads into more than ${readBytesMax} bytes of stored values. Pass a large value on as a lone reference.`,
    source: ""
  }, field))
})

const build = (reading: Reading, references: References, extra: Scope | undefined): Scope => {
  const { source } = reading.reader
  const scope: Record<string, Json | undefined> = { ...extra }
  for (const root of references.roots) {
    if (root === "needs" || root === "nodes" || root === "secrets" || Object.hasOwn(scope, root)) continue
    const value = source.root(root)
    if (value !== undefined) define(reading, scope, root, value)
  }
  if (references.nodes.size === 0 && !references.allNeeds) return scope
  const needs: Record<string, Json> = {}
  const nodes: Record<string, Json> = {}
  for (const id of references.allNeeds ? source.ancestors : references.nodes) {
    const node = source.node(id)
    if (node === undefined) continue
    const view: Record<string, Json> = { ...facts(node) }
    define(reading, view, "output", node.output ?? nothing)
    nodes[id] = view
    if (isReadable(node) && source.needs.includes(id)) define(reading, needs, id, node.output ?? nothing)
  }
  scope["needs"] = needs
  scope["nodes"] = nodes
  return scope
}

/** A member that is plain where the value is at hand, and otherwise looks for it when it is read. */
const define = (reading: Reading, object: object, key: string, value: Value): void => {
  if ("v" in value) {
    Object.defineProperty(object, key, { value: value.v, enumerable: true, configurable: true, writable: true })
    return
  }
  reading.lazy = true
  let whole: Json | undefined
  Object.defineProperty(object, key, {
    enumerable: true,
    get: () => {
      if (whole !== undefined) return whole
      const before = reading.misses
      const found = look(reading, value)
      if (reading.misses === before) whole = found
      return found
    }
  })
}

const look = (reading: Reading, value: Value): Json => {
  if ("v" in value) return value.v
  if ("ref" in value) {
    const loaded = reading.reader.cache?.get(value.ref)
    if (loaded !== undefined) return loaded
    reading.missing.set(value.ref, value.bytes)
    reading.misses++
    return null
  }
  if ("chunks" in value) {
    return value.chunks.flatMap((chunk) => {
      const part = look(reading, chunk)
      return Array.isArray(part) ? part : []
    })
  }
  const object: Record<string, Json> = {}
  for (const [key, field] of Object.entries(value.fields)) define(reading, object, key, field)
  return object
}

const load = (reader: Reader, value: Value): Effect.Effect<Json, StepError> => {
  if ("v" in value) return Effect.succeed(value.v)
  const cached = "ref" in value ? reader.cache?.get(value.ref) : undefined
  if (cached !== undefined) return Effect.succeed(cached)
  return loadWhole(reader, value)
}

const loadWhole = Effect.fnUntraced(function*(reader: Reader, value: Value) {
  const bytes = size(value)
  if (bytes > wholeBytesMax) {
    return yield* Effect.fail<StepError>({
      code: "VALUE_TOO_LARGE",
      kind: "policy",
      message: `A value of ${bytes} bytes cannot be read whole; the limit is ${wholeBytesMax}.`,
      retryable: false,
      sent: false
    })
  }
  const loaded = new Map<BlobRef, Json>()
  for (const ref of refs(value)) if (!loaded.has(ref)) loaded.set(ref, yield* read(reader, ref))
  const object = look({ reader: { ...reader, cache: loaded }, missing: new Map(), misses: 0, lazy: false }, value)
  if ("fields" in value) return Result.getOrElse(AttemptOutput.copy(object), () => null)
  if ("ref" in value) keep(reader, value.ref, object)
  return object
})

const size = (value: Value): number => {
  if ("v" in value) return 0
  if ("ref" in value) return value.bytes
  return ("chunks" in value ? value.chunks : Object.values(value.fields)).reduce((sum, part) => sum + size(part), 0)
}

const elements = (reader: Reader, value: Value): Stream.Stream<Json, StepError> => {
  if ("chunks" in value) {
    return Stream.fromIterable(value.chunks).pipe(
      Stream.mapEffect((chunk) => "v" in chunk ? Effect.succeed(chunk.v) : read(reader, chunk.ref)),
      Stream.flatMap((part) => Stream.fromIterable(Array.isArray(part) ? part : [part]))
    )
  }
  return Stream.fromEffect(load(reader, value)).pipe(
    Stream.flatMap((whole) => Stream.fromIterable(Array.isArray(whole) ? whole : [whole]))
  )
}

const read = (reader: Reader, ref: BlobRef): Effect.Effect<Json, StepError> =>
  reader.blobs.get(reader.tenant, ref).pipe(
    Effect.mapError(blobError),
    Effect.flatMap((bytes) =>
      Effect.try({
        try: (): Json => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()),
        catch: () => storedError("BLOB_CORRUPT", `The stored value ${ref} is no JSON.`, false)
      })
    )
  )

const blobError = (error: BlobStoreError): StepError =>
  storedError(`BLOB_${error.reason.toUpperCase()}`, error.message, error.reason === "unavailable")

const storedError = (code: string, message: string, retryable: boolean): StepError => ({
  code,
  kind: "io",
  message,
  retryable,
  sent: false
})

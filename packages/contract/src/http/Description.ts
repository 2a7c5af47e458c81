/** What the OpenAPI document says that the schemas of the contract cannot: streams, headers, examples, early answers. */
import type { Json } from "@baton/kernel/Value"
import * as Examples from "./Examples.ts"
import * as Paging from "./Paging.ts"
import { earlyKinds } from "./ProblemKinds.ts"
import * as Problems from "./Problems.ts"

interface Part {
  [member: string]: unknown
}

const isPart = (value: unknown): value is Part => typeof value === "object" && value !== null && !Array.isArray(value)

/** The member of a part, made when it is not there. */
const below = (part: Part, name: string): Part => {
  const found = part[name]
  if (isPart(found)) return found
  const made: Part = {}
  part[name] = made
  return made
}

const parameters: { readonly [name: string]: Part } = {
  limit: {
    schema: { type: "integer", minimum: 1, maximum: Paging.pageMax, default: Paging.pageDefault },
    description: "Items of a page."
  },
  after: { description: "Where the page begins: `next` of the one before." },
  since: { description: "RFC 3339, such as 2026-01-31T12:00:00Z or 2026-01-31." },
  types: { description: "Types of events, separated by commas." },
  "idempotency-key": {
    description: "The same key with the same body is the same request, for 24 hours: it makes nothing a second time.",
    example: "4f8c6f0e-order-17"
  },
  "if-match": { description: "What it must still be, as `ETag` told it: one strong entity tag.", example: "\"0\"" },
  path: { description: "The path of a step, percent-encoded where it stands in the URL.", example: "research[3]" }
}

const text = { schema: { type: "string" } } as const

const headersOf: { readonly [status: string]: Part } = {
  "201": { Location: { description: "Where what was made is.", ...text } },
  "401": { "WWW-Authenticate": { description: "How to show a credential.", ...text } },
  "405": { Allow: { description: "Methods that the path takes.", ...text } },
  "429": { "Retry-After": { description: "Seconds.", schema: { type: "integer" } } },
  "503": { "Retry-After": { description: "Seconds; not always told.", schema: { type: "integer" } } }
}

/** Without a `Location` of its own: the answer holds a credential that no log should have. */
const isSecretive = (operation: string): boolean => operation === "links.create" || operation === "session.open"

const streams: ReadonlySet<string> = new Set(["runs.events", "runs.logs"])

const describeOperation = (operation: Part): void => {
  const id = String(operation["operationId"])
  const listed = operation["parameters"]
  for (const parameter of Array.isArray(listed) ? listed : []) {
    if (isPart(parameter)) Object.assign(parameter, parameters[String(parameter["name"])])
  }
  const responses = below(operation, "responses")
  for (const [status, headers] of Object.entries(headersOf)) {
    const response = responses[status]
    if (isPart(response) && !(status === "201" && isSecretive(id))) Object.assign(below(response, "headers"), headers)
  }
  for (const [kind, { status }] of Object.entries(earlyKinds)) {
    if (kind === "upgrade-required" && id !== "live.socket") continue
    responses[String(status)] = { $ref: `#/components/responses/${kind}` }
  }
  if (streams.has(id)) below(below(responses, "200"), "content")["text/event-stream"] = { schema: { type: "string" } }
  describeBody(operation, id)
}

const describeBody = (operation: Part, id: string): void => {
  const body = operation["requestBody"]
  if (!isPart(body)) return
  const content = below(below(body, "content"), "application/json")
  const schema = below(content, "schema")
  // Where every member may be left out, so may the body.
  if (schema["type"] === "object" && schema["required"] === undefined) body["required"] = false
  const examples = Examples.requests[id]
  if (examples === undefined) return
  content["examples"] = Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]))
}

const problemSchema: Json = {
  type: "object",
  required: ["type", "status", "title", "code"],
  properties: {
    type: { type: "string" },
    status: { type: "integer" },
    title: { type: "string" },
    detail: { type: "string" },
    code: { type: "string" },
    hint: { type: "string" }
  }
}

const describeProblems = (components: Part): void => {
  const schemas = below(components, "schemas")
  schemas["EarlyProblem"] = problemSchema
  const responses = below(components, "responses")
  for (const [kind, { status, title }] of Object.entries(earlyKinds)) {
    const example = { type: `/problems/${kind}`, status, title }
    responses[kind] = {
      description: title,
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/EarlyProblem" }, example } }
    }
  }
  for (const kind of Problems.problems) {
    const schema = schemas[`${kind.name}Encoded`]
    const example = Examples.problems[kind.name]
    if (!isPart(schema) || example === undefined) continue
    const { status, title, type } = new kind(example)
    schema["examples"] = [{ type, status, title, ...example }]
  }
}

/** The document with all of it. */
export const describe = (document: Record<string, unknown>): Record<string, unknown> => {
  const described: Part = JSON.parse(JSON.stringify(document))
  for (const path of Object.values(below(described, "paths"))) {
    for (const operation of isPart(path) ? Object.values(path) : []) if (isPart(operation)) describeOperation(operation)
  }
  describeProblems(below(described, "components"))
  return { ...document, ...described }
}

/** Attempts without a run: a definition, what it may read, and what its step type does. */
import type { Template } from "@baton/kernel/Expression"
import * as ExpressionTemplate from "@baton/kernel/ExpressionTemplate"
import type * as Flow from "@baton/kernel/Flow"
import type * as Plan from "@baton/kernel/Plan"
import { defaultRetry } from "@baton/kernel/Plan"
import type { Json, Stored, Value } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { AttemptRequest } from "../AttemptContext.ts"
import { BlobStore, BlobStoreError } from "../BlobStore.ts"
import * as CanonicalJson from "../CanonicalJson.ts"
import type { NodeView, Source } from "../FieldScope.ts"
import { Secrets, SecretsError } from "../Secrets.ts"
import type { StepType } from "../StepType.ts"

export const template = (value: Json): Template => Result.getOrThrow(ExpressionTemplate.compile(value))

const expressionFields = ["input", "value", "url", "headers", "query", "body", "path", "content", "select"]

export const workOf = (definition: Flow.Body, overrides: Partial<Plan.Work> = {}): Plan.Work => {
  const written = definition as unknown as { readonly [field: string]: Json }
  const fields = expressionFields.filter((name) => written[name] !== undefined)
  return {
    type: definition.type,
    definition,
    timeoutMs: undefined,
    retry: defaultRetry,
    onFailure: "fail",
    effect: "idempotent",
    budget: undefined,
    fields: Object.fromEntries(fields.map((name) => [name, template(written[name]!)])),
    call: undefined,
    ...overrides
  }
}

/** Blobs that count how often each is read. */
export class TestBlobs {
  readonly bytes = new Map<string, Uint8Array>()
  readonly reads: Array<string> = []

  put(json: Json): Stored {
    const bytes = Buffer.from(JSON.stringify(json))
    const ref = CanonicalJson.address(bytes)
    this.bytes.set(ref, bytes)
    return { ref, bytes: bytes.byteLength }
  }

  get service(): BlobStore["Service"] {
    return BlobStore.of({
      put: () => Effect.die("not used"),
      has: () => Effect.die("not used"),
      collect: () => Effect.die("not used"),
      get: (_, ref) =>
        Effect.suspend(() => {
          this.reads.push(ref)
          const bytes = this.bytes.get(ref)
          return bytes === undefined
            ? Effect.fail(new BlobStoreError({ reason: "missing", ref, message: "It is not there." }))
            : Effect.succeed(bytes)
        })
    })
  }
}

/** Secrets by name, all bound to one host. */
export const secretsOf = (values: { readonly [name: string]: string }, host: string): Secrets["Service"] =>
  Secrets.of({
    reveal: (_, name, at) => {
      const value = values[name]
      if (value === undefined) return Effect.fail(new SecretsError({ reason: "missing", message: "There is none." }))
      return at === host
        ? Effect.succeed(Redacted.make(value))
        : Effect.fail(new SecretsError({ reason: "host_not_allowed", message: "Not that host." }))
    },
    has: (_, name) => Effect.succeed(name in values),
    set: () => Effect.void,
    list: () => Effect.succeed([]),
    remove: () => Effect.succeed(false)
  })

export interface Surroundings {
  readonly roots?: { readonly [name: string]: Value }
  readonly nodes?: { readonly [id: string]: Value | NodeView }
  /** All nodes, where it is not given. */
  readonly needs?: ReadonlyArray<string>
}

export const sourceOf = ({ needs, nodes = {}, roots = {} }: Surroundings): Source => ({
  root: (name) => roots[name],
  node: (id) => {
    const found = nodes[id]
    return found === undefined || "status" in found ? found : viewOf(found)
  },
  needs: needs ?? Object.keys(nodes),
  ancestors: Object.keys(nodes)
})

export const viewOf = (output: Value | undefined, status = "succeeded"): NodeView => ({
  status,
  output,
  error: undefined,
  outcome: undefined,
  agent: undefined
})

export interface Setting extends Surroundings {
  readonly request?: Partial<AttemptRequest>
  readonly blobs?: TestBlobs
  readonly secrets?: Secrets["Service"]
  readonly stepTypes?: ReadonlyArray<StepType>
}

export const requestOf = (work: Plan.Work, setting: Setting = {}): AttemptRequest => ({
  tenant: "main",
  run: "run_1",
  path: "step",
  attempt: 1,
  generation: 0,
  work,
  source: sourceOf(setting),
  agents: {},
  flowAgents: {},
  log: () => Effect.void,
  emit: () => Effect.void,
  ...setting.request
})

export const servicesOf = (setting: Setting) => ({
  blobs: (setting.blobs ?? new TestBlobs()).service,
  secrets: setting.secrets ?? secretsOf({}, ""),
  stepTypes: new Map((setting.stepTypes ?? []).map((stepType) => [stepType.type, stepType]))
})

/** What one server process does: answer requests, decide, work on steps, take over runs whose process died. */
import { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"
import * as Spelling from "./Spelling.ts"

export interface Roles {
  readonly api: boolean
  readonly coordinator: boolean
  readonly sweeper: boolean
  /** Node types that are worked on; `all` without a list, none without the role. */
  readonly worker: "all" | ReadonlySet<string>
}

export const names = ["api", "coordinator", "worker", "sweeper"] as const

export const all: Roles = { api: true, coordinator: true, sweeper: true, worker: "all" }

const refuse = (code: string, message: string, hint: string) =>
  Effect.fail(new ClientError({ reason: "invalid", code, message, hint }))

const unknown = (name: string) => {
  const near = Spelling.nearest(name, names)
  return refuse(
    "ROLE_UNKNOWN",
    `there is no role ${name.slice(0, 64)}: expected ${names.join(", ")} or worker:TYPE`,
    near === undefined ? "leave --role away: all roles" : `did you mean ${near}?`
  )
}

/** With the store in one file, queues live in the process that decides: what depends on them cannot be elsewhere. */
const checked = (roles: Roles) => {
  const works = roles.worker === "all" || roles.worker.size > 0
  if (roles.coordinator && works) return Effect.succeed(roles)
  const missing = roles.coordinator ? "worker" : works ? "coordinator" : "coordinator,worker"
  return refuse(
    "ROLES_NEED_SHARED_QUEUE",
    `these roles need ${missing} in the same process: with a SQLite store, steps are handed over in memory, ` +
      "and a queue that several processes share is not part of this version",
    `add ${missing} to --role, or leave --role away`
  )
}

/** From a list such as `api,coordinator,worker:http,worker:agent`; nothing said is all. */
export const parse = Effect.fnUntraced(function*(text: string | undefined): Effect.fn.Return<Roles, ClientError> {
  const said = (text ?? "").split(",").map((part) => part.trim()).filter((part) => part !== "")
  if (said.length === 0) return all
  const types = new Set<string>()
  const found = new Set<string>()
  let everyType = false
  for (const part of said) {
    const [name = "", type] = part.split(":", 2)
    if (!names.some((known) => known === name) || (type !== undefined && name !== "worker")) return yield* unknown(part)
    found.add(name)
    if (type !== undefined && type !== "") types.add(type)
    else if (name === "worker") everyType = true
  }
  return yield* checked({
    api: found.has("api"),
    coordinator: found.has("coordinator"),
    sweeper: found.has("sweeper"),
    worker: everyType ? "all" : types
  })
})

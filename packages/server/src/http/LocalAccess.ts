/** Access of `baton dev` on loopback: whoever reaches it is the person at this machine. */
import { Access, Caller, type Principal, Scope } from "@baton/contract/http/Access"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Host } from "../Local.ts"
import { defaultTenant, localActor } from "../Parts.ts"

const principal: Principal = {
  tenant: defaultTenant,
  subject: localActor,
  groups: [],
  scopes: new Set(Scope.literals),
  method: "local"
}

export const layer = Layer.effect(
  Access,
  Effect.map(Host, ({ portsOf }) => {
    const caller = Caller.of({ principal, ports: portsOf({ tenant: principal.tenant, by: principal.subject }) })
    return { bearer: (effect) => Effect.provideService(effect, Caller, caller) }
  })
)

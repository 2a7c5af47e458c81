/** Patches of agents: only what the flow's policy lists, reviewed where it says so, and each of them once (SEMANTICS 8.9d–f). */
import type { PatchAnswer } from "@baton/engine/PlanPatching"
import type { Event } from "@baton/kernel/Event"
import type { Json } from "@baton/kernel/Value"
import type { RichWorld } from "../RichWorld.ts"
import type { Surroundings } from "./Models.ts"

type Patched = Extract<Event, { readonly type: "PlanPatched" }>
type Fields = { readonly [key: string]: Json | undefined }

interface Known {
  readonly proposed: Map<string, number | undefined>
  /** Ids of the patches in the plan, and the operations of agents among them. */
  readonly applied: Set<string>
  readonly operations: Map<string, string>
}

const nodeOf = (path: string): string => path.replace(/\[.*$/, "")

/** All nodes that one added node brings: itself, and the body that it runs. */
const works = (node: Fields): ReadonlyArray<Fields> =>
  node["each"] === undefined ? [node] : [node, node["each"] as Fields]

export class PatchModel {
  readonly #around: Surroundings
  readonly #runs = new Map<string, Known>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  #known(run: string): Known {
    const known = this.#runs.get(run) ?? { proposed: new Map(), applied: new Set(), operations: new Map() }
    this.#runs.set(run, known)
    return known
  }

  seen(run: string, event: Event): void {
    if (event.type === "PatchProposed") {
      const { proposed } = this.#known(run)
      if (proposed.has(event.id)) this.#around.complain(`${run}: patches: ${event.id} is proposed twice`)
      proposed.set(event.id, event.dueAt)
      if (event.author !== undefined) this.#around.sometimes("patch: an agent's is in review")
    }
    if (event.type !== "PlanPatched") return
    const { applied, operations } = this.#known(run)
    if (applied.has(event.id)) this.#around.complain(`${run}: patches: ${event.id} is applied twice`)
    applied.add(event.id)
    if (event.author === undefined) return
    this.#around.sometimes("patch: an agent's is applied")
    const text = JSON.stringify(event.operations)
    const before = operations.get(text)
    if (before !== undefined) this.#around.complain(`${run}: patches: ${event.id} says again what ${before} said`)
    operations.set(text, event.id)
    const world = this.#around.world(run)
    const fault = world === undefined ? "the run of no agent that may patch" : this.#fault(run, world, event)
    if (fault !== undefined) this.#around.complain(`${run}: patches: ${event.id} of ${event.author.path}: ${fault}`)
  }

  #fault(run: string, world: RichWorld, event: Patched): string | undefined {
    const { authored, patching } = world.rich
    if (patching === undefined) return "the flow lets no agent patch"
    if (!patching.by.includes(nodeOf(event.author?.path ?? ""))) return "this agent may not patch"
    let grows = false
    for (const operation of event.operations as ReadonlyArray<Fields>) {
      const value = (operation["value"] ?? {}) as Fields
      const path = String(operation["path"])
      if (!["add", "copy", "test"].includes(String(operation["op"]))) return `${operation["op"]} is for people`
      if (path.startsWith("/edges")) {
        const to = String(value["to"])
        if (authored.has(to) && !patching.into.includes(to)) return `an edge into ${to}`
        if (authored.has(String(value["from"])) && value["on"] === "failure") return "the author's failure is handled"
        continue
      }
      if (!/^\/nodes\/[^/]+$/.test(path)) return `${path} is not an agent's to change`
      for (const work of works(value)) {
        if (!patching.types.includes(String(work["type"]))) return `a node of type ${work["type"]}`
        if (work["effect"] === "irreversible") return "an irreversible effect"
        const name = work["function"]
        if (name === undefined) continue
        if (!(patching.functions ?? ["f"]).includes(String(name))) return `the function ${name}`
        // All flows of these worlds call `f`.
        if (name !== "f") grows = true
      }
    }
    const mustWait = patching.review === "required" || (patching.review === "whenItGrows" && grows)
    return mustWait ? this.#reviewed(run, patching.onTimeout, event) : undefined
  }

  #reviewed(run: string, onTimeout: string | undefined, event: Patched): string | undefined {
    const { proposed } = this.#known(run)
    if (!proposed.has(event.id)) return "it was never in review"
    if (event.approvedBy !== undefined) return undefined
    const dueAt = proposed.get(event.id)
    return onTimeout === "approve" && dueAt !== undefined && event.at >= dueAt ? undefined : "nobody has approved it"
  }

  /** What a step was told of its patch. */
  answered(run: string, operations: Json, answer: PatchAnswer): void {
    const { applied, operations: said, proposed } = this.#known(run)
    const { complain, sometimes } = this.#around
    const before = said.get(JSON.stringify(operations))
    sometimes(`patch: an agent is told: ${answer.status}`)
    if (answer.status === "refused") {
      const isLost = answer.code === "RUN_LOST" || answer.code === "RUN_NOT_FOUND"
      if (before !== undefined && !isLost) {
        complain(`${run}: patches: ${before} is refused (${answer.code}) and in the plan`)
      }
    } else if (answer.status === "applied" && !applied.has(answer.patch)) {
      complain(`${run}: patches: ${answer.patch} is said to be applied, and is not`)
    } else if (answer.status === "review" && !proposed.has(answer.patch)) {
      complain(`${run}: patches: ${answer.patch} is said to be in review, and is not`)
    }
  }
}

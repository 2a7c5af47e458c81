/** Patches of agents: only what the flow's policy lists, reviewed where it says so, and each of them once (SEMANTICS 8.9d–f). */
import type { PatchAnswer } from "@baton/engine/PlanPatching"
import type { Event } from "@baton/kernel/Event"
import type { Plan } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import type { PatchTerms, RichWorld } from "../RichWorld.ts"
import type { Surroundings } from "./Models.ts"

type Patched = Extract<Event, { readonly type: "PlanPatched" }>
type Proposed = Extract<Event, { readonly type: "PatchProposed" }>
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

/** What the plan calls as it is now: what one patch has brought is nothing new in the next one. */
const functionsOf = ({ document }: Plan): ReadonlySet<Json | undefined> =>
  new Set(
    (document.nodes as unknown as ReadonlyArray<Fields>).flatMap((node) => works(node).map((work) => work["function"]))
  )

const added = ({ operations }: Patched | Proposed): ReadonlyArray<Fields> =>
  (operations as ReadonlyArray<Fields>).flatMap(({ path, value }) =>
    String(path).startsWith("/nodes/") ? works((value ?? {}) as Fields) : []
  )

/** Of what makes a plan more powerful, agents of these worlds may bring functions only. */
const mustWait = ({ review }: PatchTerms, event: Patched | Proposed, plan: Plan): boolean => {
  const known = functionsOf(plan)
  const grows = added(event).some((work) => work["function"] !== undefined && !known.has(work["function"]))
  return review === "required" || (review === "whenItGrows" && grows)
}

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

  /** `state` is as it was before the event. */
  seen(run: string, event: Event, { plan }: RunState): void {
    if (event.type === "PatchProposed") this.#waits(run, event, plan)
    else if (event.type === "PlanPatched") this.#comes(run, event, plan)
  }

  #waits(run: string, event: Proposed, plan: Plan): void {
    const { proposed } = this.#known(run)
    if (proposed.has(event.id)) this.#around.complain(`${run}: patches: ${event.id} is proposed twice`)
    proposed.set(event.id, event.dueAt)
    if (event.author === undefined) return
    this.#around.sometimes("patch: an agent's is in review")
    const terms = this.#around.world(run)?.rich.patching
    if (terms === undefined || !mustWait(terms, event, plan)) {
      this.#around.complain(`${run}: patches: ${event.id} of ${event.author.path} waits for nothing`)
    }
  }

  #comes(run: string, event: Patched, plan: Plan): void {
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
    const fault = world === undefined ? "the run of no agent that may patch" : this.#fault(run, world, event, plan)
    if (fault !== undefined) this.#around.complain(`${run}: patches: ${event.id} of ${event.author.path}: ${fault}`)
  }

  #fault(run: string, world: RichWorld, event: Patched, plan: Plan): string | undefined {
    const { authored, patching } = world.rich
    if (patching === undefined) return "the flow lets no agent patch"
    if (!patching.by.includes(nodeOf(event.author?.path ?? ""))) return "this agent may not patch"
    const functions = patching.functions ?? [...functionsOf(plan)]
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
        if (name !== undefined && !functions.includes(String(name))) return `the function ${name}`
      }
    }
    return mustWait(patching, event, plan) ? this.#reviewed(run, patching.onTimeout, event) : undefined
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

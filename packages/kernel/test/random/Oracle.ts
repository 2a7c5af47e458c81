/**
 * Says how a random world must end, read off the flow document alone: recursive, slow, and written apart from the machine
 * it judges. Where the order of events decides, it says so (`loose`) and claims nothing.
 *
 * It knows the closed set of expressions that `FlowWorld` writes, not CEL.
 */
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import type { World } from "./FlowWorld.ts"
import * as Outcomes from "./Outcomes.ts"

type Fields = { readonly [key: string]: Json | undefined }

export interface Verdict {
  readonly status: "succeeded" | "failed" | "skipped"
  readonly output: Json
  readonly code?: string | undefined
  readonly outcome?: string | undefined
  /** How edges see it. */
  readonly match: "success" | "continue" | "failure" | "none"
  /** Attempts it takes when nobody stops it. */
  readonly attempts: number
  readonly warned: boolean
  /** `status`: the order decides how it ends; `output`: only what it gives. */
  readonly loose?: "status" | "output" | undefined
}

export interface Prediction {
  readonly nodes: ReadonlyMap<string, Verdict>
  /** Nodes whose failure nobody takes: any of them may be the one that closes the run. */
  readonly unhandled: ReadonlyArray<string>
  readonly loose: boolean
  readonly warned: boolean
  readonly output: Json
}

/** Attempts that ended otherwise than the world says, by `path#attempt`: lost ones, by what became of them. */
export type Losses = ReadonlyMap<string, StepError>

type Answer = boolean | "errs" | "loose"

interface Ended {
  readonly ok: boolean
  readonly output: Json
  readonly error: StepError | undefined
  readonly attempts: number
  readonly warned: boolean
}

const skipped: Verdict = { status: "skipped", output: null, match: "none", attempts: 0, warned: false }

const listed = (error: StepError, on: ReadonlyArray<string>): boolean => {
  const status = error.status === undefined ? "" : String(error.status)
  return on.includes(error.kind) || on.includes(error.code) || on.includes(status) ||
    (status !== "" && on.includes(`${status[0]}xx`))
}

export class Oracle {
  readonly #world: World
  readonly #losses: Losses
  readonly #known = new Map<string, Verdict>()
  readonly #nodes: ReadonlyMap<string, Fields>
  readonly #edges: ReadonlyArray<Fields>
  readonly #unhandled: Array<string> = []

  constructor(world: World, losses: Losses = new Map()) {
    this.#world = world
    this.#losses = losses
    const nodes = world.flow.nodes as unknown as ReadonlyArray<Fields>
    this.#nodes = new Map(nodes.map((node) => [String(node["id"]), node]))
    this.#edges = world.flow.edges as unknown as ReadonlyArray<Fields>
  }

  predict(): Prediction {
    for (const id of this.#nodes.keys()) this.#verdict(id)
    const verdicts = [...this.#known.values()]
    const { output, warned } = this.#output()
    return {
      nodes: this.#known,
      unhandled: this.#unhandled,
      loose: verdicts.some((verdict) => verdict.loose !== undefined),
      warned: warned || verdicts.some((verdict) => verdict.warned),
      output
    }
  }

  #output(): { readonly output: Json; readonly warned: boolean } {
    const wanted = this.#world.flow.output
    if (typeof wanted === "string") {
      return { output: this.#verdict(wanted.split(".")[1] ?? "").output, warned: false }
    }
    const sinks = [...this.#nodes.keys()].filter((id) => !this.#edges.some((edge) => edge["from"] === id))
    return { output: Object.fromEntries(sinks.map((id) => [id, this.#verdict(id).output])), warned: false }
  }

  #verdict(id: string): Verdict {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const node = this.#nodes.get(id)
    if (node === undefined) throw new RangeError(id)
    const verdict = this.#judge(node)
    this.#known.set(id, verdict)
    if (verdict.status === "failed" && verdict.match === "failure" && !this.#isHandled(id, verdict)) {
      this.#unhandled.push(id)
    }
    // Rules of a branch that err are warnings of the step that branches.
    const warned = node["branch"] === "first" && this.#taken(id, verdict).warned
    if (warned) this.#known.set(id, { ...verdict, warned: true })
    return this.#known.get(id) ?? verdict
  }

  #isHandled(id: string, verdict: Verdict): boolean {
    return this.#outgoing(id).some((edge) => edge["on"] === "failure" && this.#live(edge, verdict) === true)
  }

  #outgoing(id: string): ReadonlyArray<Fields> {
    return this.#edges.filter((edge) => edge["from"] === id)
  }

  #matches(edge: Fields, source: Verdict): boolean {
    const on = edge["on"] ?? "success"
    if (source.match === "none") return false
    if (on === "always") return true
    if (on === "success") return source.match !== "failure"
    if (on === "failure") return source.match === "failure"
    return source.match === "success" && on === source.outcome
  }

  /** The edges of a branch that are live (one at most), and whether one of its rules erred. */
  #taken(id: string, source: Verdict): { readonly edge: Fields | undefined; readonly warned: boolean } {
    let warned = false
    for (const edge of this.#outgoing(id)) {
      if (!this.#matches(edge, source)) continue
      const answer = edge["otherwise"] === true || edge["when"] === undefined
        ? true
        : this.#holds(String(edge["when"]), source, id)
      if (answer === "errs") warned = true
      if (answer === true) return { edge, warned }
    }
    return { edge: undefined, warned }
  }

  #live(edge: Fields, source: Verdict): Answer {
    if (source.loose === "status") return "loose"
    const from = String(edge["from"])
    if (this.#nodes.get(from)?.["branch"] === "first") return this.#taken(from, source).edge === edge
    if (!this.#matches(edge, source)) return false
    return edge["when"] === undefined ? true : this.#holds(String(edge["when"]), source, from)
  }

  #holds(text: string, self: Verdict | undefined, id: string | undefined): Answer {
    if (text === "true" || text === "false") return text === "true"
    const input = /^input\.n > (\d+)$/.exec(text)
    if (input !== null) return Number((this.#world.input as { n: number }).n) > Number(input[1])
    const about = /^nodes\.(\w+)\.(.*)$/.exec(text)
    const name = about?.[1] ?? ""
    const source = name === id && self !== undefined ? self : this.#verdict(name)
    const status = /^status == "(\w+)"$/.exec(about?.[2] ?? "")
    if (status !== null) return source.loose === "status" ? "loose" : source.status === status[1]
    if (source.loose !== undefined) return "loose"
    const limit = /^output\.n > (-?\d+)$/.exec(about?.[2] ?? "")
    const n = (source.output as { n?: Json } | null)?.n
    return limit === null || typeof n !== "number" ? "errs" : n > Number(limit[1])
  }

  #judge(node: Fields): Verdict {
    const incoming = this.#edges.filter((edge) => edge["to"] === node["id"])
    const answers = incoming.map((edge) => this.#live(edge, this.#verdict(String(edge["from"]))))
    const loose: Verdict = { ...skipped, loose: "status" }
    if (answers.includes("loose")) return loose
    const erring = answers.filter((answer) => answer === "errs").length
    const live = answers.filter((answer) => answer === true).length
    const join = node["join"]
    if (erring > 0) {
      // Only where all other edges are live is it certain that the step was still pending when the edge erred.
      return join === undefined && live + erring === answers.length
        ? this.#failure(node, this.#error("EXPRESSION_FAILED"), 0)
        : loose
    }
    const need = join === undefined ? answers.length : join === "any" ? 1 : (join as { atLeast: number }).atLeast
    if (live < Math.min(need, answers.length)) return skipped
    return this.#activate(node)
  }

  #error(code: string): StepError {
    return { code, kind: "validation", message: code, retryable: false }
  }

  #activate(node: Fields): Verdict {
    if (node["when"] !== undefined) {
      const answer = this.#holds(String(node["when"]), undefined, undefined)
      if (answer === "loose") return { ...skipped, loose: "status" }
      if (answer === "errs") return this.#failure(node, this.#error("EXPRESSION_FAILED"), 0)
      if (!answer) return skipped
    }
    switch (node["type"]) {
      case "choice":
        return this.#choice(node)
      case "wait":
        return this.#wait(node)
      case "map":
        return this.#map(node)
      default:
        return this.#work(node)
    }
  }

  #success(output: Json, attempts: number, warned: boolean, outcome?: string): Verdict {
    return { status: "succeeded", output, match: "success", attempts, warned, outcome }
  }

  #failure(node: Fields, error: StepError, attempts: number, partial?: Json): Verdict {
    const handled = node["onFailure"]
    const { code } = error
    if (handled === "continue") {
      return { status: "failed", code, output: partial ?? null, match: "continue", attempts, warned: true }
    }
    if (typeof handled === "object" && handled !== null) {
      return { ...this.#success((handled as { fallback: Json }).fallback, attempts, true), code }
    }
    return { status: "failed", code, output: partial ?? null, match: "failure", attempts, warned: false }
  }

  #choice(node: Fields): Verdict {
    let warned = false
    for (const rule of node["rules"] as ReadonlyArray<{ readonly [name: string]: string }>) {
      const [name = "", text = ""] = Object.entries(rule)[0] ?? []
      const answer = text === "otherwise" ? true : this.#holds(text, undefined, undefined)
      if (answer === "loose") return { ...skipped, loose: "status" }
      if (answer === "errs") warned = true
      if (answer === true) return this.#success({ outcome: name }, 1, warned, name)
    }
    throw new Error("a choice without otherwise")
  }

  #wait(node: Fields): Verdict {
    const event = node["event"]
    if (typeof event !== "string") return this.#success({}, 1, false)
    const data = Outcomes.eventFor(this.#world.outcomes, event, node["timeout"] === undefined)
    return data === undefined ? this.#failure(node, this.#error("TIMEOUT"), 1) : this.#success(data, 1, false)
  }

  /** One step's attempts to the end, with what operators say in between. */
  #attempts(path: string, work: Fields): Ended {
    const retry = work["retry"] as { attempts?: number; on?: ReadonlyArray<string> } | undefined
    const irreversible = work["effect"] === "irreversible"
    for (let attempt = 1;; attempt++) {
      const lost = this.#losses.get(`${path}#${attempt}`)
      const outcome = lost === undefined
        ? Outcomes.attemptOutcome(this.#world.outcomes, path, attempt)
        : { ok: false as const, error: lost }
      if (outcome.ok) return { ok: true, output: outcome.output, error: undefined, attempts: attempt, warned: false }
      const { error } = outcome
      const unknown = irreversible && error.sent !== false && ["timeout", "network", "internal"].includes(error.kind)
      const again = error.retryable && attempt < (retry?.attempts ?? 1) && (!irreversible || error.sent === false) &&
        (retry?.on === undefined || listed(error, retry.on))
      if (!unknown && again) continue
      if (unknown || (work["onFailure"] === "ask" && error.kind !== "poison")) {
        const said = Outcomes.resolution(this.#world.outcomes, path, attempt)
        if (said === "retry") continue
        if (said === "skip") return { ok: true, output: null, error: undefined, attempts: attempt, warned: true }
        return { ok: false, output: null, error: Outcomes.aborted(path, error), attempts: attempt, warned: false }
      }
      return { ok: false, output: null, error, attempts: attempt, warned: false }
    }
  }

  #work(node: Fields): Verdict {
    const ended = this.#attempts(String(node["id"]), node)
    return ended.error === undefined
      ? this.#success(ended.output, ended.attempts, ended.warned)
      : this.#failure(node, ended.error, ended.attempts)
  }

  #items(node: Fields): ReadonlyArray<Json> | "errs" | "loose" {
    const { over } = node
    if (Array.isArray(over)) return over as ReadonlyArray<Json>
    if (over === "${ input.items }") return (this.#world.input as { items: ReadonlyArray<Json> }).items
    const source = this.#verdict(String(over).split(".")[1] ?? "")
    if (source.loose !== undefined) return "loose"
    const items = (source.output as { items?: Json } | null)?.items
    return Array.isArray(items) ? items : "errs"
  }

  /** A gather that was lost or could not read, once too often. */
  #lostGather(id: string): StepError | undefined {
    const lost = [1, 2, 3].map((attempt) => this.#losses.get(`${id}#${attempt}`))
    return lost.find((error) => error?.kind === "poison") ?? lost[2]
  }

  #map(node: Fields): Verdict {
    const list = this.#items(node)
    if (list === "loose") return { ...skipped, loose: "status" }
    if (list === "errs") return this.#failure(node, this.#error("EXPRESSION_FAILED"), 0)
    const body = node["each"] as Fields
    const ended = list.map((_, index) => this.#attempts(`${String(node["id"])}[${index}]`, body))
    const fallback = body["onFailure"]
    const outputs = ended.map((item): { ok: boolean; output: Json } =>
      item.ok || typeof fallback !== "object" || fallback === null
        ? item
        : { ok: true, output: (fallback as { fallback: Json }).fallback }
    )
    const failures = outputs.flatMap((item, index) => item.ok ? [] : [{ index, code: ended[index]?.error?.code ?? "" }])
    const results = outputs.filter((item) => item.ok).map((item) => item.output)
    const output: Json = {
      items: outputs.map((item) => item.ok ? item.output : null),
      results,
      failures,
      succeeded: results.length,
      failed: failures.length
    }
    const given = (node["tolerate"] as { failures?: Json } | undefined)?.failures ?? 0
    const allowed = typeof given === "number" ? given : Math.floor(parseFloat(String(given)) / 100 * list.length)
    const lost = this.#lostGather(String(node["id"]))
    if (lost !== undefined && list.length > 0) return this.#failure(node, lost, 1)
    const bad = failures.length > 0 && (failures.length > allowed || failures.length === list.length)
    // An item that fell back counts as succeeded, with a warning.
    const warned = ended.some((item) => !item.ok || item.warned)
    if (!bad) return this.#success(output, 1, warned)
    const failed = this.#failure(node, this.#error("MAP_FAILED"), 1)
    // Which items ran before the map stopped is a matter of order.
    return failed.status === "failed" ? { ...failed, loose: "output" } : failed
  }
}

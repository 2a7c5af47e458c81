/** Receipts: a result that is used again is the one that the step would have made itself (SEMANTICS 8.11d). */
import type { Event } from "@baton/kernel/Event"
import type { RunState } from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { isDeepStrictEqual } from "node:util"
import { resultOf } from "../RichWorld.ts"
import type { Surroundings } from "./Models.ts"

interface Made {
  readonly output: Json
  readonly at: number
}

/** Nodes whose results may never be used again, whatever their definition says. */
const never = new Set(["recC", "recK", "recU"])

export class ReceiptModel {
  readonly #around: Surroundings
  /** Results that steps have made themselves, by run and path. */
  readonly #made = new Map<string, Made>()
  /** What steps of nodes with receipts have come to, in every run. */
  readonly #outputs = new Map<string, Json>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** The input of such a node, worked out from the run's own input and outputs. */
  #inputOf(run: string, path: string, state: RunState): Json | undefined {
    const input = this.#around.read(state.input) as { readonly n?: Json } | undefined
    const n = input?.n ?? null
    if (path === "recK") return null
    if (path === "rec1") return (this.#outputs.get(`${run} rec0`) as { readonly n?: Json } | undefined)?.n
    const item = /^recM\[(\d+)\]$/.exec(path)?.[1]
    return item === undefined ? n : [1, 2, n][Number(item)]
  }

  seen(run: string, event: Event, state: RunState): void {
    const world = this.#around.world(run)
    if (world === undefined) return
    if (event.type === "StepsReused") {
      for (const { output, path } of event.steps) {
        const json = output === undefined ? undefined : this.#around.read(output)
        if (json !== undefined) this.#outputs.set(`${run} ${path}`, json)
      }
    }
    const settled = event.type === "StepSucceeded" ? event : undefined
    if (settled === undefined || !/^rec[0-9A-Z]/.test(settled.path) || settled.path === "recM") return
    const { path, receipt } = settled
    const output = this.#around.read(settled.output)
    if (output === undefined) return
    this.#outputs.set(`${run} ${path}`, output)
    if (settled.by !== undefined) return
    const hit = receipt?.kind === "hit" ? receipt : undefined
    if (hit === undefined) this.#made.set(`${run} ${path}`, { output, at: event.at })
    else this.#hit(run, path, event.at, hit, output)
    const input = this.#inputOf(run, path, state)
    const node = path.replace(/\[.*$/, "")
    const expected = input === undefined ? undefined : resultOf(node, input, world.rich.version)
    if (expected !== undefined && !isDeepStrictEqual(output, expected)) {
      this.#around.complain(
        `${run}: receipts: ${path} came to ${JSON.stringify(output)}, its input makes ${JSON.stringify(expected)}`
      )
    }
  }

  #hit(
    run: string,
    path: string,
    at: number,
    hit: { readonly run: string; readonly path: string; readonly at: number; readonly expiresAt: number },
    output: Json
  ): void {
    const { complain, sometimes, world } = this.#around
    sometimes(hit.run === run ? "receipt: hit in its own run" : "receipt: hit in another run")
    const source = this.#made.get(`${hit.run} ${hit.path}`)
    if (never.has(path)) complain(`${run}: receipts: ${path} is served, and may never be`)
    if (source === undefined) complain(`${run}: receipts: ${path} is served what ${hit.run} ${hit.path} never made`)
    else if (!isDeepStrictEqual(source.output, output)) {
      complain(`${run}: receipts: ${path} is served something else than ${hit.run} ${hit.path} made`)
    }
    const ttl = world(run)?.rich.receiptMs ?? 0
    // The look-up was before the answer, and the answer before its record.
    if (at - hit.at > ttl + slackMs) complain(`${run}: receipts: ${path} is served what is ${at - hit.at} ms old`)
  }
}

/** Between the look-up of a receipt and the record of what it served: a process may stand still, or be slow. */
const slackMs = 120_000

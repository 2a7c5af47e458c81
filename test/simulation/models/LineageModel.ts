/**
 * Runs made from other runs: what they keep is what the source came to, what they keep they do not do again, and what cannot
 * be taken back and was done before is done again only when somebody says so (SEMANTICS 8.11e). Within one run, too, such a
 * step is done again only after an error that proves that nothing was sent, or when an operator says so (8.11c).
 */
import type { Event } from "@baton/kernel/Event"
import type { RunState } from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { isDeepStrictEqual } from "node:util"
import type { Surroundings } from "./Models.ts"

interface Came {
  readonly status: "succeeded" | "failed" | "skipped"
  readonly output: Json | undefined
  readonly unhandled: boolean
}

interface Known {
  /** What steps have come to, by path. */
  readonly came: Map<string, Came>
  readonly reused: Set<string>
  /** Kept as succeeded, in one of several events: looked at when all of them have come. */
  readonly kept: Set<string>
  /** Steps that were done here, or in a run that this one was made from, and cannot be taken back. */
  readonly done: Set<string>
  source: string | undefined
  kind: "retry" | "fork" | undefined
}

const nodeOf = (path: string): string => path.replace(/\[.*$/, "")

export class LineageModel {
  readonly #around: Surroundings
  readonly #runs = new Map<string, Known>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  #known(run: string): Known {
    const known = this.#runs.get(run) ??
      { came: new Map(), reused: new Set(), kept: new Set(), done: new Set(), source: undefined, kind: undefined }
    this.#runs.set(run, known)
    return known
  }

  seen(run: string, event: Event, state: RunState): void {
    if (this.#around.world(run) === undefined) return
    const known = this.#known(run)
    if (event.type !== "StepsReused") {
      for (const path of known.kept) this.#whole(run, known, path, state)
      known.kept.clear()
    }
    switch (event.type) {
      case "RunCreated": {
        if (event.lineage === undefined) return
        known.source = event.lineage.run
        known.kind = event.lineage.kind
        for (const path of this.#known(event.lineage.run).done) known.done.add(path)
        return this.#around.sometimes(`lineage: ${event.lineage.kind}`)
      }
      case "StepsReused":
        return this.#keeps(run, known, event)
      case "StepSucceeded":
        return this.#came(known, event.path, {
          status: "succeeded",
          output: this.#around.read(event.output),
          unhandled: false
        })
      case "StepFailed": {
        if (event.error.sent === false) known.done.delete(event.path)
        const { handled, output, path } = event
        const read = output === undefined ? undefined : this.#around.read(output)
        const status = handled === "fallback" ? "succeeded" : "failed"
        return this.#came(known, path, { status, output: read, unhandled: handled === "none" })
      }
      case "StepRetryScheduled":
        if (event.error.sent === false) known.done.delete(event.path)
        return
      case "StepsSkipped":
        for (const id of event.nodes) this.#came(known, id, { status: "skipped", output: undefined, unhandled: false })
        return
      case "StepReopened":
        return this.#allow(known, event.path)
    }
  }

  #came(known: Known, path: string, came: Came): void {
    known.came.set(path, came)
  }

  /** A person has said that it may be done again: a step, or all items of a map. */
  #allow({ done }: Known, path: string): void {
    for (const one of done) if (one === path || nodeOf(one) === path) done.delete(one)
  }

  #keeps(run: string, known: Known, event: Extract<Event, { readonly type: "StepsReused" }>): void {
    const { complain, read, sometimes } = this.#around
    const source = this.#known(known.source ?? "")
    for (const { output, path, status = "succeeded" } of event.steps) {
      sometimes("lineage: a step is reused")
      known.reused.add(path)
      const came = source.came.get(path)
      const kept = output === undefined ? undefined : read(output)
      known.came.set(path, { status, output: kept, unhandled: false })
      if (came === undefined) {
        complain(`${run}: lineage: ${path} is reused, and never settled in ${known.source}`)
        continue
      }
      if (came.status !== status) {
        complain(`${run}: lineage: ${path} is reused as ${status}, and came to ${came.status}`)
      }
      if (came.unhandled) complain(`${run}: lineage: ${path} is reused, and its failure closed ${known.source}`)
      if (status === "succeeded" && came.status === "succeeded" && !isDeepStrictEqual(kept, came.output)) {
        complain(`${run}: lineage: ${path} is reused with another output`)
      }
    }
    for (const path of event.guarded ?? []) if (path !== "") sometimes("lineage: an irreversible step is guarded")
    for (const { path, status } of event.steps) if (status === undefined) known.kept.add(path)
  }

  /** What waited for all that came before it is kept only together with that. */
  #whole(run: string, known: Known, path: string, state: RunState): void {
    const { edges, nodes } = state.plan.document
    const node = nodes.find(({ id }) => id === path)
    if (node === undefined || (node.join !== undefined && node.join !== "all")) return
    for (const { from, to } of edges) {
      if (to === path && !known.reused.has(from)) {
        this.#around.complain(`${run}: lineage: ${path} is reused, and ${from} before it runs again`)
      }
    }
  }

  /** A step begins to do something. */
  begins(run: string, path: string): void {
    const known = this.#known(run)
    if (known.reused.has(path)) this.#around.complain(`${run}: lineage: ${path} is reused, and begins`)
    if (!/^irr[0-9M]/.test(path)) return
    if (known.done.has(path)) {
      this.#around.complain(`${run}: lineage: ${path} is done again, and nobody has said that it may be`)
    }
    known.done.add(path)
  }
}

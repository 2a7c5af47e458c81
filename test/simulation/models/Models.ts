/**
 * Small models of what the engine promises, written from SEMANTICS and not from the engine's code: they look at the events as
 * the store has them and at what steps do to the world, and complain.
 */
import type { Event } from "@baton/kernel/Event"
import type { RunState } from "@baton/kernel/RunState"
import type { Json, Value } from "@baton/kernel/Value"
import type { RichWorld } from "../RichWorld.ts"
import { ConversationModel } from "./ConversationModel.ts"
import { LetterModel } from "./LetterModel.ts"
import { LineageModel } from "./LineageModel.ts"
import { PatchModel } from "./PatchModel.ts"
import { ReceiptModel } from "./ReceiptModel.ts"
import { StallModel } from "./StallModel.ts"

/** What models may know of the world. */
export interface Surroundings {
  readonly complain: (message: string) => void
  /** Counts that something rare has come about. */
  readonly sometimes: (what: string) => void
  readonly world: (run: string) => RichWorld | undefined
  readonly read: (value: Value) => Json | undefined
}

export class Models {
  readonly receipts: ReceiptModel
  readonly conversations: ConversationModel
  readonly lineages: LineageModel
  readonly patches: PatchModel
  readonly stalls: StallModel
  readonly letters: LetterModel

  constructor(surroundings: Surroundings) {
    this.receipts = new ReceiptModel(surroundings)
    this.conversations = new ConversationModel(surroundings)
    this.lineages = new LineageModel(surroundings)
    this.patches = new PatchModel(surroundings)
    this.stalls = new StallModel(surroundings)
    this.letters = new LetterModel(surroundings)
  }

  /** `state` is as it was before the event. */
  seen(run: string, event: Event, state: RunState): void {
    this.receipts.seen(run, event, state)
    this.conversations.seen(run, event)
    this.lineages.seen(run, event, state)
    this.patches.seen(run, event, state)
    this.stalls.seen(run, event)
    this.letters.seen(run, event)
  }
}

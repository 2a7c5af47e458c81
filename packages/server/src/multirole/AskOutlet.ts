/**
 * A connection that tells a run's course in other words than its events'. All events pass through it, whatever its reader
 * has seen before, so that what is said about a later one does not depend on where the reader was cut.
 */
import type { ClientError } from "@baton/contract/Client"
import type { AskMessage } from "@baton/contract/http/MultiRoleApi"
import type { RunDocument } from "@baton/contract/RunDocument"
import * as Wire from "@baton/contract/Wire"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Batch } from "../live/Frame.ts"
import { type SseOptions, SseOutlet } from "../live/SseOutlet.ts"
import * as AskStory from "./AskStory.ts"

export interface AskOptions {
  /** The run as it was when the connection came. */
  readonly document: RunDocument
  /** Sequence of the event after which the reader knows nothing; 0: it knows nothing at all. */
  readonly seen: number
  /** Each message has its name as the event's, too. */
  readonly named: boolean
  /** The run as it is when it is over. */
  readonly ended: Effect.Effect<RunDocument, ClientError>
  readonly fork: (effect: Effect.Effect<void>) => void
}

export class AskOutlet extends SseOutlet {
  readonly #options: AskOptions
  readonly #story: AskStory.AskStory
  /** Sequence of the run's end, or of what was noted about it since: who has that has all. */
  #finished = 0

  constructor(sse: SseOptions, options: AskOptions) {
    super(sse)
    this.#options = options
    this.#story = new AskStory.AskStory(options.document.id, AskStory.queriesOf(options.document))
  }

  protected override write(batch: Batch): boolean {
    const text = batch.frames.map(({ data, seq }) => seq === undefined ? "" : this.#told(seq, data)).join("")
    return text === "" || this.send(text)
  }

  #told(seq: number, data: string): string {
    const event = Option.getOrUndefined(Wire.toEvent(JSON.parse(data)))
    if (event?.type === "RunFinished" || this.#finished > 0) this.#finished = seq
    if (event === undefined) return ""
    const messages = this.#story.tell(event)
    return seq <= this.#options.seen ? "" : this.#text(messages, seq)
  }

  /** Only the last message of an event tells its place: who is cut before it hears the others again. */
  #text(messages: ReadonlyArray<AskMessage>, seq: number): string {
    return messages.map((message, index) => {
      const id = index === messages.length - 1 ? `id: ${seq}\n` : ""
      const name = this.#options.named ? `event: ${message.event}\n` : ""
      return `${id}${name}data: ${JSON.stringify(message)}\n\n`
    }).join("")
  }

  protected override done(): void {
    const { document, ended, fork } = this.#options
    const failed = ({ code, message }: ClientError): AskMessage => ({ event: "error", run: document.id, code, message })
    fork(Effect.map(Effect.match(ended, { onFailure: failed, onSuccess: AskStory.ending }), (last) => {
      if (this.isClosed) return
      this.send(this.#text([last], this.#finished))
      this.end()
    }))
  }
}

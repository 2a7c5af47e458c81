/** Live streams as an AsyncAPI 3.0 document, made of the schemas that the program itself uses. */
import type { Json } from "@baton/kernel/Value"
import * as Schema from "effect/Schema"
import { EventEnvelope } from "./EventEnvelope.ts"
import { ClientMessage, closeCodes, EndFrame, ServerMessage } from "./LiveMessage.ts"
import { RunDocument, RunListItem } from "./RunDocument.ts"
import * as Wire from "./Wire.ts"

const journalEvent = Schema.Struct({
  ...EventEnvelope.fields,
  type: Schema.Literals(Wire.journalTypes),
  seq: Schema.Int
})
const { seq: _, ...liveFields } = EventEnvelope.fields
const liveEvent = Schema.Struct({ ...liveFields, type: Schema.Literals(Wire.liveTypes) })

interface Message {
  readonly summary: string
  readonly schema: Schema.Constraint
}

const messages: { readonly [name: string]: Message } = {
  snapshot: { summary: "The run as it is; the stream goes on after its `seq`.", schema: RunDocument },
  event: {
    summary: "An event of the run's journal: each exactly once, in order. The frame's event is its `type`.",
    schema: journalEvent
  },
  live: { summary: "What happens meanwhile, without an id: it may be lost.", schema: liveEvent },
  end: { summary: "The run is over; nothing more comes of it.", schema: EndFrame },
  run: {
    summary: "A run that has moved, as the list of runs shows it: at least once, so drop a `seq` that is known.",
    schema: RunListItem
  },
  position: {
    summary: "Where a tenant's stream begins, so that it can be resumed from there.",
    schema: Schema.Struct({ seq: Schema.Int })
  },
  overflow: {
    summary: "The reader takes nothing and is dropped: come back and resume.",
    schema: Schema.Struct({})
  },
  clientMessage: { summary: "What a client may say on the WebSocket.", schema: ClientMessage },
  serverMessage: {
    summary: `What the server says on the WebSocket; it closes with ${Object.values(closeCodes).join(", ")} or 1009.`,
    schema: ServerMessage
  }
}

interface Channel {
  readonly address: string
  readonly title: string
  readonly sent: ReadonlyArray<string>
  readonly received?: ReadonlyArray<string>
}

const ofRun = ["snapshot", "event", "live", "end", "overflow"]

const channels: { readonly [name: string]: Channel } = {
  runEvents: { address: "/api/v1/runs/{run}/events", title: "One run, as server-sent events", sent: ofRun },
  events: { address: "/api/v1/events", title: "Up to 100 runs, as server-sent events", sent: ofRun },
  stream: {
    address: "/api/v1/stream",
    title: "All runs, as server-sent events",
    sent: ["position", "run", "overflow"]
  },
  socket: { address: "/ws", title: "WebSocket", sent: ["serverMessage"], received: ["clientMessage"] }
}

const componentsOf = () => {
  const definitions: { [name: string]: unknown } = {}
  const made = Object.entries(messages).map(([name, { schema, summary }]) => {
    const document = Schema.toJsonSchemaDocument(schema as unknown as Schema.Codec<unknown>)
    Object.assign(definitions, document.definitions)
    return [name, { name, summary, contentType: "application/json", payload: document.schema }] as const
  })
  return { messages: Object.fromEntries(made), schemas: definitions }
}

const channelOf = ({ address, received = [], sent, title }: Channel) => ({
  address,
  title,
  ...(address.includes("{run}") ? { parameters: { run: { description: "The run's id." } } } : {}),
  messages: Object.fromEntries(
    [...sent, ...received].map((name) => [name, { $ref: `#/components/messages/${name}` }])
  )
})

const operationsOf = () =>
  Object.fromEntries(
    Object.entries(channels).flatMap(([name, { received, sent }]) =>
      ([["send", sent], ["receive", received]] as const).flatMap(([action, list]) =>
        list === undefined ? [] : [[`${action}.${name}`, {
          action,
          channel: { $ref: `#/channels/${name}` },
          messages: list.map((message) => ({ $ref: `#/channels/${name}/messages/${message}` }))
        }]]
      )
    )
  )

/** The published document. */
export const document = (): Json => {
  const text = JSON.stringify({
    asyncapi: "3.0.0",
    info: {
      title: "Baton, live",
      version: "1",
      description: "Runs as they go. How to read, resume and subscribe stands in the guide of live streams.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" }
    },
    defaultContentType: "application/json",
    channels: Object.fromEntries(Object.entries(channels).map(([name, channel]) => [name, channelOf(channel)])),
    operations: operationsOf(),
    components: componentsOf()
  })
  // JSON Schema's own place of definitions becomes that of this format.
  const value: Json = JSON.parse(text.replaceAll("\"#/$defs/", "\"#/components/schemas/"))
  return value
}

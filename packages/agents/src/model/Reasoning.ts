/**
 * Separates the `<think>…</think>` block, which local reasoning models write before their answer, from the answer.
 *
 * Only a block at the start counts: a report may speak about the tag. Some chat templates put the opening tag into the
 * prompt, so that an answer holds only the closing one; that is recognised once the whole text is known.
 */
import type * as Response from "effect/ai/Response"
import * as Stream from "effect/Stream"

const tags: ReadonlyArray<readonly [open: string, close: string]> = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"]
]

export interface Split {
  readonly reasoning: string
  readonly text: string
}

/** Splits a whole answer. An unclosed block (the answer was cut) is all reasoning. */
export const split = (answer: string): Split => {
  let rest = answer
  let reasoning = ""
  let found = false
  for (;;) {
    const trimmed = rest.trimStart()
    const tag = tags.find(([open]) => trimmed.startsWith(open))
    if (tag === undefined) break
    const end = trimmed.indexOf(tag[1])
    const inner = trimmed.slice(tag[0].length, end < 0 ? undefined : end)
    reasoning += inner
    found = true
    if (end < 0) return { reasoning, text: "" }
    rest = trimmed.slice(end + tag[1].length).trimStart()
  }
  const orphan = found ? undefined : orphanEnd(rest)
  return orphan === undefined ? { reasoning, text: rest } : { reasoning: orphan.before, text: orphan.after }
}

const orphanEnd = (text: string) => {
  if (/^\s*[{[]/.test(text)) return undefined
  for (const [open, close] of tags) {
    const end = text.indexOf(close)
    if (end >= 0 && !text.slice(0, end).includes(open)) {
      return { before: text.slice(0, end), after: text.slice(end + close.length).trimStart() }
    }
  }
  return undefined
}

/** The parts of a whole answer with reasoning taken out of its text. */
export const splitParts = (parts: ReadonlyArray<Response.PartEncoded>): Array<Response.PartEncoded> =>
  parts.flatMap((part): ReadonlyArray<Response.PartEncoded> => {
    if (part.type !== "text") return [part]
    const { reasoning, text } = split(part.text)
    return [
      ...(reasoning === "" ? [] : [{ type: "reasoning" as const, text: reasoning }]),
      ...(text === "" && reasoning !== "" ? [] : [{ ...part, text }])
    ]
  })

/** The same for a stream; each text block is looked at by itself. */
export const splitStream = <E, R>(
  stream: Stream.Stream<Response.StreamPartEncoded, E, R>
): Stream.Stream<Response.StreamPartEncoded, E, R> =>
  Stream.suspend(() => {
    const blocks = new Map<string, Block>()
    return stream.pipe(
      Stream.map((part) => {
        if (part.type === "text-start") blocks.set(part.id, makeBlock(part.id))
        if (part.type === "text-delta") return (blocks.get(part.id) ?? makeBlock(part.id)).feed(part.delta)
        if (part.type === "text-end") return [...(blocks.get(part.id)?.end() ?? []), part]
        return [part]
      }),
      Stream.flattenIterable
    )
  })

interface Block {
  readonly feed: (delta: string) => ReadonlyArray<Response.StreamPartEncoded>
  readonly end: () => ReadonlyArray<Response.StreamPartEncoded>
}

/** `held` is text that may still turn out to be (part of) a tag. */
const makeBlock = (id: string): Block => {
  const thinkId = `${id}-think`
  let state: "start" | "inside" | "text" = "start"
  let close = ""
  let held = ""
  let found = false
  const asText = (delta: string): ReadonlyArray<Response.StreamPartEncoded> =>
    delta === "" ? [] : [{ type: "text-delta", id, delta }]
  const asReasoning = (delta: string): ReadonlyArray<Response.StreamPartEncoded> =>
    delta === "" ? [] : [{ type: "reasoning-delta", id: thinkId, delta }]

  const atStart = (): ReadonlyArray<Response.StreamPartEncoded> => {
    const trimmed = held.trimStart()
    const tag = tags.find(([open]) => trimmed.startsWith(open))
    if (tag !== undefined) {
      state = "inside"
      found = true
      close = tag[1]
      held = trimmed.slice(tag[0].length)
      return [{ type: "reasoning-start", id: thinkId }, ...inside()]
    }
    if (tags.some(([open]) => open.startsWith(trimmed))) return []
    state = "text"
    const taken = take()
    return asText(found ? taken.trimStart() : taken)
  }
  const inside = (): ReadonlyArray<Response.StreamPartEncoded> => {
    const end = held.indexOf(close)
    if (end >= 0) {
      const before = held.slice(0, end)
      held = held.slice(end + close.length).trimStart()
      state = "start"
      return [...asReasoning(before), { type: "reasoning-end", id: thinkId }, ...atStart()]
    }
    const keep = tailThatMayBegin(held, close)
    const before = held.slice(0, held.length - keep)
    held = held.slice(held.length - keep)
    return asReasoning(before)
  }
  const take = () => {
    const taken = held
    held = ""
    return taken
  }
  return {
    feed: (delta) => {
      held += delta
      return state === "start" ? atStart() : state === "inside" ? inside() : asText(take())
    },
    end: () => {
      if (state !== "inside") return asText(take())
      return [...asReasoning(take()), { type: "reasoning-end", id: thinkId }]
    }
  }
}

const tailThatMayBegin = (text: string, tag: string): number => {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (tag.startsWith(text.slice(-length))) return length
  }
  return 0
}

/**
 * Progress as lines: one per transition, ASCII marks, greppable, for logs and pipes. Items of a large map are not listed
 * one by one: every tenth part of the map gets a line, failures are listed up to a bound.
 */
import * as HashMap from "effect/HashMap"
import * as TerminalText from "../TerminalText.ts"
import type { MapView, Note } from "./Note.ts"
import * as ProgressModel from "./ProgressModel.ts"

/** Maps with more items than this are reported in tenths. */
export const itemsListedMax = 20

/** Milliseconds between two signs of life when nothing happens. */
export const heartbeatMs = 30_000

/** `14:02:09Z`. */
export const timeOfDay = (at: number): string => {
  const seconds = Math.floor((((Number.isFinite(at) ? at : 0) % 86_400_000) + 86_400_000) % 86_400_000 / 1_000)
  const two = (n: number) => String(n).padStart(2, "0")
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}Z`
}

const usageText = (note: Extract<Note, { kind: "succeeded" }>): string => {
  const tokens = (note.usage?.inputTokens ?? 0) + (note.usage?.outputTokens ?? 0)
  return (note.ms === undefined ? "" : ` ${TerminalText.duration(note.ms)}`) +
    (tokens > 0 ? ` tokens=${tokens}` : "") +
    (note.usage?.costUsd === undefined ? "" : ` cost=${note.usage.costUsd}`)
}

const mapText = (map: MapView): string =>
  ` items=${map.count} succeeded=${map.succeeded} failed=${map.failed}` +
  (map.cancelled > 0 ? ` cancelled=${map.cancelled}` : "")

const isLarge = (map: MapView | undefined): map is MapView => map !== undefined && map.count > itemsListedMax

/** A tenth of the map was reached by this very item. */
const tenth = (map: MapView): boolean => {
  const done = map.succeeded + map.failed
  return Math.floor(done * 10 / map.count) > Math.floor((done - 1) * 10 / map.count)
}

const line = (note: Note, run: string): string | undefined => {
  switch (note.kind) {
    case "started":
      return `${run} started flow=${note.flow} version=${note.version}`
    case "succeeded":
      if (isLarge(note.of)) return tenth(note.of) ? `${noteNode(note.path)} progress${mapText(note.of)}` : undefined
      if (note.reused !== undefined) return `${note.path} reused from=${note.reused}`
      return `${note.path} succeeded${usageText(note)}${note.map === undefined ? "" : mapText(note.map)}`
    case "failed":
      if (isLarge(note.of) && note.of.failed > itemsListedMax) return undefined
      return `${note.path} failed code=${note.code} attempt=${note.attempt}` +
        (note.handled === "none" ? "" : ` handled=${note.handled}`) + ` ${note.message}`
    case "retrying":
      if (isLarge(note.of) && note.attempt > 1) return undefined
      return `${note.path} retrying attempt=${note.attempt + 1} reason=${note.code} in=${
        TerminalText.duration(note.dueAt - note.at)
      }`
    case "waiting":
      return `${note.path} ${note.human ? "needs-you" : "waiting"} ${note.text}` +
        (note.id === undefined ? "" : ` id=${note.id}`) +
        (note.dueAt === undefined ? "" : ` due-in=${TerminalText.duration(note.dueAt - note.at)}`)
    case "decided":
      return `${note.path} decided decision=${note.decision}` + (note.by === undefined ? "" : ` by=${note.by}`) +
        (note.comment === undefined ? "" : ` ${note.comment}`)
    default:
      return runLine(note, run)
  }
}

const noteNode = (path: string): string => path.slice(0, path.indexOf("["))

/** Lists of names in one line are cut after this many. */
const namesMax = 10

const names = (list: ReadonlyArray<string>): string =>
  list.slice(0, namesMax).join(",") + (list.length > namesMax ? `,+${list.length - namesMax}` : "")

const runLine = (note: Note, run: string): string | undefined => {
  switch (note.kind) {
    case "skipped":
      return `${names(note.nodes)} skipped reason=${note.reason}`
    case "cancelled":
      return `${names(note.paths)} cancelled`
    case "expanded":
      return `${note.path} expanded items=${note.count}`
    case "stopped":
      return `${note.path} stopped failed=${note.failed} allowed=${note.allowed}`
    case "reopened":
      return `${note.path} reopened`
    case "plan":
      return `${run} plan ${note.id} ${note.what}` + (note.by === undefined ? "" : ` by=${note.by}`) +
        (note.text === undefined ? "" : ` ${note.text}`)
    case "lost":
      return `${note.path} lost offered-again=1`
    case "received":
      return `${run} received event=${note.name}`
    case "paused":
    case "resumed":
      return `${run} ${note.kind}` + (note.by === undefined ? "" : ` by=${note.by}`)
    case "adopted":
      return `${run} adopted offered-again=${note.lost}`
    case "closing":
      return `${run} closing cause=${note.cause} code=${note.code}` +
        (note.path === undefined ? "" : ` step=${note.path}`)
    case "noted":
      return `${run} note ${note.text}`
    case "finished":
      return `${run} ${note.status}` + (note.status === "succeeded" ? "" : ` code=${note.code} ${note.message}`)
    default:
      return undefined
  }
}

/** The line of a transition; none when it is one of very many. */
export const noteLine = (note: Note, run: string): string | undefined => {
  const text = line(note, run)
  return text === undefined ? undefined : `${timeOfDay(note.at)} ${TerminalText.line(text)}`
}

/** The sign of life. */
export const heartbeat = (model: ProgressModel.ProgressModel, now: number): string => {
  const counts = { running: 0, queued: 0, retrying: 0, waiting: 0, "needs-you": 0 }
  for (const step of HashMap.values(model.active)) {
    if (step.human === true) counts["needs-you"]++
    else if (ProgressModel.isRunning(model, step)) counts.running++
    else counts[step.status]++
  }
  const parts = Object.entries(counts).filter(([, n]) => n > 0).map(([name, n]) => `${n} ${name}`)
  const waiting = ProgressModel.pending(model)
  if (waiting > 0) parts.push(`${waiting} pending`)
  parts.push(`${model.done}/${model.total} done`)
  if (model.startedAt !== undefined) parts.push(TerminalText.clock(now - model.startedAt))
  if (model.costUsd > 0) parts.push(`cost${model.unpriced ? ">=" : "="}${TerminalText.money(model.costUsd)}`)
  return `${timeOfDay(now)} ... ${model.paused ? "paused" : "still running"}: ${parts.join(", ")}`
}

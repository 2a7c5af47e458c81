/**
 * Progress on a terminal: what is over is printed once and scrolls away, what goes on lives in a region at the bottom.
 *
 *   T1. The region has at most `min(rows − 2, 16)` lines, and no line reaches the last column.
 *   T2. Rows are ranked: needs you, retrying, running (longest first), waiting, queued; the rest is counted.
 */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Palette from "../Palette.ts"
import * as TerminalText from "../TerminalText.ts"
import type { MapView, Note } from "./Note.ts"
import * as ProgressModel from "./ProgressModel.ts"

/** Lines the live region may take, however tall the terminal. */
export const regionLinesMax = 16

/** Names longer than this many cells are cut in the live region. */
const labelCellsMax = 28

export interface Viewport {
  readonly columns: number
  readonly rows: number
}

type Span = readonly [text: string, tone?: Palette.Tone | undefined]

/** Joins spans into one painted line of at most `cells` cells. Spans hold safe text. */
const fit = (spans: ReadonlyArray<Span>, cells: number, palette: Palette.Palette): string => {
  let room = cells
  let line = ""
  for (const [text, tone] of spans) {
    if (room <= 0) break
    const shown = TerminalText.truncate(text, room, palette.ellipsis)
    room -= TerminalText.width(shown)
    line += palette.paint(shown, tone)
  }
  return line
}

const mark = (name: Palette.Mark, palette: Palette.Palette): Span => {
  const { text, tone } = palette.mark(name)
  return [` ${text} `, tone]
}

interface Row {
  readonly rank: number
  readonly since: number
  readonly spans: (label: number) => ReadonlyArray<Span>
  readonly label: string
}

const rankOf = (model: ProgressModel.ProgressModel, step: ProgressModel.ActiveStep): number => {
  if (step.human === true) return 0
  if (step.status === "retrying") return 1
  if (ProgressModel.isRunning(model, step)) return 2
  return step.status === "waiting" ? 3 : 4
}

const rowMarks: ReadonlyArray<Palette.Mark> = ["human", "retrying", "running", "waiting", "queued"]

const stepText = (step: ProgressModel.ActiveStep, rank: number, now: number): string => {
  const message = step.message === undefined ? "" : TerminalText.line(step.message)
  if (rank === 0) return `needs you: ${message}`
  if (rank === 1) return `attempt ${step.attempt + 1} in ${TerminalText.clock((step.dueAt ?? now) - now)}: ${message}`
  if (rank === 3) {
    return `waiting for ${message}` + (step.dueAt === undefined ? "" : `, ${TerminalText.clock(step.dueAt - now)} left`)
  }
  return rank === 4 ? "queued" : message
}

const stepRow = (
  model: ProgressModel.ProgressModel,
  step: ProgressModel.ActiveStep,
  now: number,
  palette: Palette.Palette
): Row => {
  const rank = rankOf(model, step)
  const label = TerminalText.truncate(TerminalText.line(step.path), labelCellsMax, palette.ellipsis)
  const age = rank === 1 || rank === 3 ? "" : `  ${TerminalText.clock(now - step.since)}`
  const text = stepText(step, rank, now)
  const attempt = step.attempt > 1 && rank === 2 ? ` (attempt ${step.attempt})` : ""
  return {
    rank,
    since: step.since,
    label,
    spans: (cells) => [
      mark(rowMarks[rank]!, palette),
      [TerminalText.pad(label, cells)],
      [`${age}${attempt}`, "dim"],
      [text === "" ? "" : `  ${text}`, rank === 0 ? "warn" : undefined]
    ]
  }
}

/** Cells of a map's bar. */
const barCells = 10

const mapRow = (
  map: MapView,
  steps: ReadonlyArray<ProgressModel.ActiveStep>,
  model: ProgressModel.ProgressModel,
  now: number,
  palette: Palette.Palette
): Row => {
  const over = map.succeeded + map.failed + map.cancelled
  const full = map.count === 0 ? barCells : Math.min(barCells, Math.floor(over * barCells / map.count))
  const running = steps.filter((step) => ProgressModel.isRunning(model, step)).length
  const queued = steps.filter((step) => step.status === "queued").length - (model.overlay ? 0 : running)
  const retrying = steps.filter((step) => step.status === "retrying").length
  const parts = [
    running > 0 ? `${TerminalText.count(running)} running` : "",
    queued > 0 ? `${TerminalText.count(queued)} queued` : "",
    retrying > 0 ? `${TerminalText.count(retrying)} retrying` : ""
  ].filter((part) => part !== "")
  const label = TerminalText.truncate(TerminalText.line(map.node), labelCellsMax, palette.ellipsis)
  return {
    rank: 2,
    since: Math.min(map.since, now),
    label,
    spans: (cells) => [
      mark("running", palette),
      [TerminalText.pad(label, cells)],
      [`  ${TerminalText.count(Math.min(over, map.count))}/${TerminalText.count(map.count)} `],
      [palette.full.repeat(full), "busy"],
      [palette.empty.repeat(barCells - full), "dim"],
      [map.failed > 0 ? `  ${TerminalText.count(map.failed)} failed` : "", "bad"],
      [parts.length === 0 ? "" : `  ${parts.join(", ")}`],
      [`  ${TerminalText.clock(now - map.since)}`, "dim"]
    ]
  }
}

const rowsOf = (model: ProgressModel.ProgressModel, now: number, palette: Palette.Palette): ReadonlyArray<Row> => {
  const items = new Map<string, Array<ProgressModel.ActiveStep>>()
  const rows: Array<Row> = []
  for (const step of HashMap.values(model.active)) {
    if (!HashMap.has(model.maps, step.node)) {
      rows.push(stepRow(model, step, now, palette))
      continue
    }
    const list = items.get(step.node)
    if (list === undefined) items.set(step.node, [step])
    else list.push(step)
    if (step.human === true) rows.push(stepRow(model, step, now, palette))
  }
  for (const map of HashMap.values(model.maps)) {
    if (HashSet.has(model.settled, map.node)) continue
    rows.push(mapRow(map, (items.get(map.node) ?? []).filter((step) => step.path !== map.node), model, now, palette))
  }
  return rows.sort((a, b) => a.rank - b.rank || a.since - b.since || (a.label < b.label ? -1 : 1))
}

const summary = (model: ProgressModel.ProgressModel, now: number, palette: Palette.Palette): ReadonlyArray<Span> => {
  const parts = [`${TerminalText.count(model.done)}/${TerminalText.count(model.total)} steps`]
  if (model.startedAt !== undefined) parts.push(TerminalText.clock(now - model.startedAt))
  if (model.tokens > 0) parts.push(`${TerminalText.count(model.tokens)} tok`)
  if (model.costUsd > 0) {
    parts.push(`${model.unpriced ? (palette.unicode ? "≥ " : ">= ") : ""}${TerminalText.money(model.costUsd)}`)
  }
  const state = model.paused ? "  paused" : model.closing ? "  closing" : ""
  return [
    [` ${parts.join(` ${palette.dot} `)}`],
    [model.failed > 0 ? ` ${palette.dot} ${TerminalText.count(model.failed)} failed` : "", "bad"],
    [state, "warn"]
  ]
}

/** The live region as it should look now; empty when the terminal has no room or the run is over. */
export const region = (
  model: ProgressModel.ProgressModel,
  viewport: Viewport,
  now: number,
  palette: Palette.Palette
): ReadonlyArray<string> => {
  const height = Math.min(viewport.rows - 2, regionLinesMax)
  const cells = viewport.columns - 1
  if (height < 1 || cells < 1 || model.ended !== undefined) return []
  const last = fit(summary(model, now, palette), cells, palette)
  if (height < 3) return [last]
  const rows = rowsOf(model, now, palette)
  const waiting = ProgressModel.pending(model)
  const room = height - 2
  const more = rows.length > room || waiting > 0
  const shown = rows.slice(0, more ? room - 1 : room)
  const label = shown.reduce((most, row) => Math.max(most, TerminalText.width(row.label)), 0)
  const lines = shown.map((row) => fit(row.spans(label), cells, palette))
  if (more) {
    const hidden = rows.length - shown.length
    const texts = [
      hidden > 0 ? `${TerminalText.count(hidden)} more in progress` : "",
      waiting > 0 ? `${TerminalText.count(waiting)} pending` : ""
    ]
    lines.push(fit([mark("pending", palette), [texts.filter((text) => text !== "").join(", "), "dim"]], cells, palette))
  }
  return [palette.paint(palette.rule.repeat(Math.min(cells, 60)), "dim"), ...lines, last]
}

const costText = (note: Extract<Note, { kind: "succeeded" }>): string => {
  if (note.reused !== undefined) return "  reused"
  const tokens = (note.usage?.inputTokens ?? 0) + (note.usage?.outputTokens ?? 0)
  return (tokens > 0 ? `  ${TerminalText.count(tokens)} tok` : "") +
    (note.usage?.costUsd === undefined ? "" : `  ${TerminalText.money(note.usage.costUsd)}`)
}

/** Names longer than this many cells push the rest of a finished line to the right. */
const doneLabelCells = 24

const noteSpans = (note: Note, palette: Palette.Palette): ReadonlyArray<Span> | undefined => {
  const safe = TerminalText.line
  switch (note.kind) {
    case "succeeded": {
      if (note.of !== undefined) return undefined
      const name = TerminalText.pad(safe(note.path), doneLabelCells)
      const map = note.map
      const items = map === undefined
        ? ""
        : `  ${TerminalText.count(map.succeeded)} of ${TerminalText.count(map.count)} items`
      return [
        mark(map !== undefined && map.failed > 0 ? "warned" : "succeeded", palette),
        [name],
        [note.ms === undefined ? "" : `  ${TerminalText.duration(note.ms)}`, "dim"],
        [items],
        [costText(note), "dim"]
      ]
    }
    case "failed": {
      if (note.of !== undefined && note.of.failed > itemFailuresMax) return undefined
      const taken = note.handled === "none" ? "" : ` (${handledText[note.handled]})`
      return [
        mark(note.handled === "fallback" ? "warned" : "failed", palette),
        [TerminalText.pad(safe(note.path), doneLabelCells)],
        [`  ${safe(note.code)}`, "bad"],
        [`${taken} ${safe(note.message)}`]
      ]
    }
    case "waiting":
      return note.human
        ? [mark("human", palette), [safe(note.path)], [`  needs you: ${safe(note.text)}`, "warn"]]
        : undefined
    case "decided":
      return [mark("human", palette), [TerminalText.pad(safe(note.path), doneLabelCells)], [
        `  ${safe(note.decision)}${note.by === undefined ? "" : ` by ${safe(note.by)}`}`
      ], [note.comment === undefined ? "" : `: ${safe(note.comment)}`, "dim"]]
    case "skipped":
      return [mark("skipped", palette), [safe(cut(note.nodes)), "dim"], ["  skipped", "dim"]]
    case "cancelled":
      return [mark("cancelled", palette), [safe(cut(note.paths)), "dim"], ["  cancelled", "dim"]]
    default:
      return runSpans(note, palette)
  }
}

/** Failed items of one map that get a line of their own. */
const itemFailuresMax = 20

const handledText = { edge: "handled", continue: "continues", fallback: "fallback used", item: "item" } as const

const cut = (list: ReadonlyArray<string>): string =>
  list.slice(0, 5).join(", ") + (list.length > 5 ? ` and ${TerminalText.count(list.length - 5)} more` : "")

const runSpans = (note: Note, palette: Palette.Palette): ReadonlyArray<Span> | undefined => {
  const safe = TerminalText.line
  switch (note.kind) {
    case "stopped":
      return [mark("failed", palette), [safe(note.path)], [
        `  stopped: ${note.failed} failed, ${note.allowed} allowed`,
        "bad"
      ]]
    case "reopened":
      return [mark("retrying", palette), [safe(note.path)], ["  tried again by an operator", "warn"]]
    case "plan":
      return [mark(note.human ? "human" : "waiting", palette), [
        safe(`plan: ${note.what}`),
        note.human ? "warn" : undefined
      ], [
        `${note.by === undefined ? "" : `  by ${safe(note.by)}`}${
          note.text === undefined ? "" : `: ${safe(note.text)}`
        }`,
        "dim"
      ]]
    case "lost":
      return [mark("retrying", palette), [safe(note.path)], ["  its worker was lost; offered again", "warn"]]
    case "received":
      return [mark("waiting", palette), [`event ${safe(note.name)} received`]]
    case "paused":
    case "resumed":
      return [mark("waiting", palette), [
        note.by === undefined ? note.kind : `${note.kind} by ${safe(note.by)}`,
        "warn"
      ]]
    case "adopted":
      return [mark("retrying", palette), [`taken over; ${note.lost} offered again`]]
    case "closing":
      return [mark(note.cause === "cancel" ? "cancelled" : "failed", palette), [
        `closing: ${safe(note.message)}`,
        "warn"
      ]]
    case "noted":
      return [["   "], [safe(note.text), "dim"]]
    default:
      return undefined
  }
}

/** The line a transition leaves behind; none for what only the live region shows. */
export const noteLine = (note: Note, columns: number, palette: Palette.Palette): string | undefined => {
  const spans = noteSpans(note, palette)
  return spans === undefined ? undefined : fit(spans, Math.max(20, columns - 1), palette)
}

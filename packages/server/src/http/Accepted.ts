/** What a client takes (`Accept`, RFC 9110, 12.5.1) of what an endpoint has: a page as JSON, or a stream of events. */
import { NotAcceptable, type Problem } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"

export const json = "application/json"
export const events = "text/event-stream"
type Form = typeof json | typeof events

interface Range {
  readonly type: string
  readonly subtype: string
  readonly quality: number
}

/** Ranges of a header that are looked at. */
const rangesMax = 64

const rangesOf = (header: string): ReadonlyArray<Range> =>
  header.split(",", rangesMax).flatMap((part) => {
    const [range = "", ...parameters] = part.split(";").map((one) => one.trim().toLowerCase())
    const [type = "", subtype = ""] = range.split("/", 2)
    if (type === "" || subtype === "") return []
    const q = parameters.find((one) => one.startsWith("q="))?.slice(2)
    const quality = q === undefined ? 1 : /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0
    return [{ type, subtype, quality }]
  })

/** How much a form is wanted, and by how exact a word: the most exact range that fits it says so. */
const wanted = (form: Form, ranges: ReadonlyArray<Range>) => {
  const [type, subtype] = form.split("/")
  const fits = ranges.flatMap((range) => {
    if (range.type === type && range.subtype === subtype) return [{ exact: 2, quality: range.quality }]
    if (range.type === type && range.subtype === "*") return [{ exact: 1, quality: range.quality }]
    return range.type === "*" && range.subtype === "*" ? [{ exact: 0, quality: range.quality }] : []
  })
  return fits.toSorted((a, b) => b.exact - a.exact)[0] ?? { exact: 0, quality: 0 }
}

/** The form to answer in; `undefined` when none is taken. Of equals the one that is named, else JSON. */
export const form = (accept: string | undefined): Form | undefined => {
  if (accept === undefined || accept.trim() === "") return json
  const ranges = rangesOf(accept)
  const page = wanted(json, ranges)
  const stream = wanted(events, ranges)
  if (page.quality === 0 && stream.quality === 0) return undefined
  if (stream.quality !== page.quality) return stream.quality > page.quality ? events : json
  return stream.exact > page.exact ? events : json
}

/** Refuses who takes neither. */
export const check = (accept: string | undefined): Effect.Effect<Form, Problem> => {
  const found = form(accept)
  return found !== undefined ? Effect.succeed(found) : Effect.fail(
    new NotAcceptable({
      code: "NOT_ACCEPTABLE",
      detail: `There is ${json} and ${events}, and the request takes neither.`,
      hint: `Accept: ${json}, or ${events} for a stream`
    })
  )
}

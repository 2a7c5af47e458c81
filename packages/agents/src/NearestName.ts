/** The names a person may have meant: for messages that refuse an unknown one. */
import { distance } from "fastest-levenshtein"

/** How many near names a message shows. */
const namesMax = 3

/** At most three known names, nearest first; a name is near when under half of it would have to change. */
export const nearest = (name: string, known: Iterable<string>): ReadonlyArray<string> =>
  [...new Set(known)]
    .map((candidate) => ({ candidate, cost: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, cost }) =>
      cost <= Math.max(name.length, candidate.length) / 2 ||
      candidate.toLowerCase().includes(name.toLowerCase())
    )
    .toSorted((a, b) => a.cost - b.cost || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, namesMax)
    .map(({ candidate }) => candidate)

/** ` Did you mean "a" or "b"?`, or the list of all names when none is near; empty when there are none. */
export const hint = (name: string, known: Iterable<string>): string => {
  const all = [...new Set(known)].toSorted()
  const near = nearest(name, all)
  if (near.length > 0) return ` Did you mean ${near.map((candidate) => `"${candidate}"`).join(" or ")}?`
  if (all.length === 0) return ""
  const shown = all.slice(0, 10)
  return ` Known: ${shown.join(", ")}${all.length > shown.length ? ", …" : ""}.`
}

/** The known name that somebody may have meant. */

const edits = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1))
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The name fewest edits away, when that is at most a third of it. */
export const nearest = (name: string, among: ReadonlyArray<string>): string | undefined => {
  const word = name.slice(0, 64)
  const scored = among.map((candidate) => ({ candidate, distance: edits(word, candidate) }))
  const best = scored.toSorted((a, b) => a.distance - b.distance)[0]
  return best === undefined || best.distance > Math.max(1, best.candidate.length / 3) ? undefined : best.candidate
}

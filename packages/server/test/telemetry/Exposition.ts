/** What a page of metrics says, read line by line. */

export interface Sample {
  readonly name: string
  readonly labels: string
  readonly value: number
}

export interface Exposition {
  readonly samples: ReadonlyArray<Sample>
  /** By family. */
  readonly types: ReadonlyMap<string, string>
}

const line = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/

export const read = (text: string): Exposition => {
  const types = new Map<string, string>()
  const samples: Array<Sample> = []
  for (const one of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(one)
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "")
    const found = line.exec(one)
    if (found !== null) samples.push({ name: found[1] ?? "", labels: found[2] ?? "", value: Number(found[3]) })
  }
  return { samples, types }
}

/** The sum of all series of a name whose labels hold `part`. */
export const sum = ({ samples }: Exposition, name: string, part = ""): number =>
  samples.filter((one) => one.name === name && one.labels.includes(part)).reduce((all, { value }) => all + value, 0)

const withoutLe = (labels: string): string => labels.replace(/,?le="[^"]*"/, "").replace("{}", "")

/** What `promtool` does not see: series told twice, and histograms that do not add up. */
export const faults = ({ samples }: Exposition): ReadonlyArray<string> => {
  const found: Array<string> = []
  const seen = new Set<string>()
  const last = new Map<string, number>()
  for (const { labels, name, value } of samples) {
    const key = `${name}${labels}`
    if (seen.has(key)) found.push(`${key} twice`)
    seen.add(key)
    if (name.endsWith("_bucket")) {
      const series = `${name.slice(0, -"_bucket".length)}${withoutLe(labels)}`
      if (value < (last.get(series) ?? 0)) found.push(`${key} falls`)
      last.set(series, value)
    } else if (name.endsWith("_count")) {
      const series = `${name.slice(0, -"_count".length)}${labels}`
      if (last.get(series) !== value) found.push(`${key} is not its +Inf`)
    }
  }
  return found
}

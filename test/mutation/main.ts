/**
 * `npm run mutate`: breaks the product on purpose, one small edit at a time in a copy of the sources, and tells whether the
 * test that is meant to notice does. `--only K3` tries the breaks of one promise, or those of one file or its test. Fails when a break
 * survives, or when an edit no longer applies.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Outcome } from "./Copy.ts"
import { Copy } from "./Copy.ts"
import type { Mutation } from "./Mutation.ts"
import { applies } from "./Mutation.ts"
import { mutations } from "./Mutations.ts"

/** Copies that are tried side by side. */
const copiesMax = 2

/** Characters of a message that are shown. */
const saidMax = 600

const { values } = parseArgs({ options: { only: { type: "string" } } })
const root = fileURLToPath(new URL("../..", import.meta.url))

const wanted = mutations.filter(({ file, promise, test }) =>
  values.only === undefined || promise === values.only || file.includes(values.only) || test[0].includes(values.only)
)

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** All tests that are asked for, on the sources as they are: a test that fails anyway notices nothing. */
const baseline = async (copy: Copy): Promise<boolean> => {
  const files = [...new Set(wanted.map(({ test: [file] }) => file))]
  const found: Array<Outcome> = []
  for (const file of files) {
    const names = new Set(wanted.filter(({ test }) => test[0] === file).map(({ test: [, name] }) => name))
    const pattern = names.has(undefined) ? undefined : [...names].map((name) => escaped(name ?? "")).join("|")
    found.push(await copy.test([file], pattern))
  }
  const bad = found.find((outcome) => outcome.kind !== "ran" || outcome.failed > 0 || outcome.passed === 0)
  if (bad !== undefined) console.log(`without any change: ${JSON.stringify(bad)}`)
  return bad === undefined
}

/** A test that fails for another reason than the break has noticed something else. */
const isCaught = (outcome: Outcome, says = ""): boolean =>
  (outcome.failed > 0 && outcome.said.includes(says)) || (outcome.kind === "hangs" && says === "")

const line = ({ breaks, promise }: Mutation, verdict: string): string => `${promise.padEnd(4)}${verdict}: ${breaks}`

const attempt = async (copies: ReadonlyArray<Copy>): Promise<number> => {
  const left = [...wanted]
  let bad = 0
  const worker = async (copy: Copy): Promise<void> => {
    for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
      const began = performance.now()
      const outcome = await copy.try(mutation, patternOf(mutation))
      const caught = isCaught(outcome, mutation.says)
      const verdict = caught ? "caught  " : outcome.kind === "broken" ? "BROKEN  " : "SURVIVED"
      if (!caught) bad++
      if (!caught && outcome.failed > 0) console.log(`      it says: ${outcome.said.slice(0, saidMax)}`)
      console.log(line(mutation, verdict))
      console.log(
        `      ${((performance.now() - began) / 1000).toFixed(1)} s, ${outcome.first || mutation.test.join(" ")}`
      )
    }
  }
  await Promise.all(copies.map(worker))
  return bad
}

const patternOf = ({ test: [, name] }: Mutation): string | undefined => name === undefined ? undefined : escaped(name)

const main = async (): Promise<boolean> => {
  const lost = wanted.filter((mutation) => !applies(mutation, readFileSync(join(root, mutation.file), "utf8")))
  for (const mutation of lost) console.log(line(mutation, `does not apply to ${mutation.file}`))
  if (lost.length > 0) return false
  const began = performance.now()
  const copies = Array.from({ length: Math.min(copiesMax, wanted.length) }, () => new Copy(root))
  try {
    const [first] = copies
    if (first === undefined || !(await baseline(first))) return false
    const bad = await attempt(copies)
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    console.log(`${wanted.length} mutations in ${seconds} s, ${wanted.length - bad} caught`)
    return bad === 0
  } finally {
    for (const copy of copies) copy.remove()
  }
}

process.exitCode = (await main()) ? 0 : 1

import { appendFileSync } from "node:fs"

/** Every call leaves a line, so that one can see what ran again. */
const called = (name: string): void => appendFileSync("calls.log", `${name}\n`)

export const facts = ({ city }: { readonly city: string }) => {
  called("facts")
  return [`${city} is old`, `${city} lies by a river`]
}

export const draw = ({ city }: { readonly city: string }) => {
  called("draw")
  return `[map of ${city}]`
}

export const write = ({ facts, style }: { readonly facts: ReadonlyArray<string>; readonly style: string }) => {
  called("write")
  return style === "short" ? `${facts[0]}.` : `${facts.join(", and ")}.`
}

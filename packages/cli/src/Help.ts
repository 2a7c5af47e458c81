/** Help as text: what it is for, examples first, then arguments, flags and commands. */
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import * as TerminalText from "./TerminalText.ts"

interface Entry {
  readonly left: string
  readonly right: string
}

/** Left cells wider than this push their text to the next column instead of moving all others. */
const leftCellsMax = 34

/** The same for examples. */
const exampleCellsMax = 72

const placeholders: { readonly [type: string]: string } = { boolean: "", choice: " NAME", integer: " N" }

const entries = (title: string, rows: ReadonlyArray<Entry>, cellsMax = leftCellsMax): ReadonlyArray<string> => {
  if (rows.length === 0) return []
  const cells = Math.min(cellsMax, Math.max(...rows.map((row) => TerminalText.width(row.left))))
  return ["", title, ...rows.map((row) => `  ${TerminalText.pad(row.left, cells)}  ${row.right}`.trimEnd())]
}

const flagEntry = (flag: HelpDoc.FlagDoc): Entry => ({
  left: [...flag.aliases, `--${flag.name}`].join(", ") + (placeholders[flag.type] ?? ` ${flag.type}`),
  right: Option.getOrElse(flag.description, () => "").replace("(choices: ", "(") + (flag.required ? " (required)" : "")
})

export const format = (doc: HelpDoc.HelpDoc): string => {
  const path = (doc.commandPath ?? []).join(" ")
  const isRoot = (doc.commandPath ?? []).length <= 1
  const examples = (doc.examples ?? []).map((example) => ({ left: example.command, right: example.description ?? "" }))
  const commands = (doc.subcommands ?? []).flatMap((group) =>
    group.commands.map((command) => ({ left: command.name, right: command.shortDescription ?? command.description }))
  )
  const args = (doc.args ?? []).map((argument) => ({
    left: `<${argument.name}>${argument.variadic ? "..." : ""}`,
    right: Option.getOrElse(argument.description, () => "")
  }))
  const own = isRoot ? [] : doc.flags.map(flagEntry)
  const shared = isRoot ? [...doc.flags, ...(doc.globalFlags ?? [])].map(flagEntry) : []
  const lines = [
    path === "" ? doc.description : `${path}: ${doc.description}`,
    ...entries("Examples", examples, exampleCellsMax),
    ...entries("Usage", [{ left: doc.usage, right: "" }]),
    ...entries("Commands", commands),
    ...entries("Arguments", args),
    ...entries("Flags", own),
    ...entries("Flags of every command", shared),
    "",
    isRoot
      ? "Exit codes: 0 done, 2 usage, 3 failed, 4 cancelled, 5 a human is needed, 6 stopped waiting, 7 not found, 130 interrupted"
      : "Flags of every command: baton --help"
  ]
  return lines.join("\n")
}

/** The last line of stderr after a run was waited for; made to be parsed. */
import type { RunDocument } from "@baton/contract/RunDocument"
import * as TerminalText from "./TerminalText.ts"

/** `baton: run=… state=… [step=… code=…] exit=N` */
export const line = (document: RunDocument, exit: number): string => {
  const cause = document.error === null
    ? ""
    : (document.error.path === undefined ? "" : ` step=${document.error.path}`) + ` code=${document.error.code}`
  return TerminalText.line(`baton: run=${document.id} state=${document.status}${cause} exit=${exit}`)
}

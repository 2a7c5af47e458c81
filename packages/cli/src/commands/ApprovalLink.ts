/** `approvals link`. The link goes to stdout once: whoever has it may decide. */
import { LinksClient } from "@baton/contract/LinksClient"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import type { ApprovalsLink } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"

export const approvalsLink = Effect.fnUntraced(function*({ as, expires, group, step, target }: ApprovalsLink) {
  const printer = yield* Printer
  const link = yield* Backend.withPorts(
    {},
    Effect.flatMap(LinksClient, (links) =>
      links.create({ target, ...(step === undefined ? {} : { step }) }, {
        ...(expires === undefined ? {} : { lifetimeMs: expires }),
        ...(as === undefined ? {} : { by: as }),
        ...(group.length === 0 ? {} : { groups: group })
      }))
  )
  if (printer.isJson) yield* printer.document({ schema: "baton.link/1", ...link })
  else {
    yield* printer.answer(TerminalText.line(link.url ?? link.path))
    const where = link.url === null ? "below the server's address (BATON_PUBLIC_URL); " : ""
    yield* printer.note(
      TerminalText.line(`${where}decides ${link.approval} once in the name of ${link.by}, until ${link.expiresAt}`)
    )
  }
  return exitCodes.done
})

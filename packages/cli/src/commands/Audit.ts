/** `audit list|verify`. */
import { AuditClient } from "@baton/contract/AuditClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { AuditList, AuditVerify } from "../KeysTree.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"

/** Entries in one page, at most. */
const limitMax = 500

export const auditList = Effect.fnUntraced(function*({ before, limit, tenant }: AuditList) {
  if (limit < 1 || limit > limitMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${limit}: expected 1 to ${limitMax}`)
  }
  const printer = yield* Printer
  const items = yield* Backend.withPorts(
    { beside: true },
    Effect.flatMap(
      AuditClient,
      (audit) =>
        audit.list({ limit, ...(before === undefined ? {} : { before }), ...(tenant === undefined ? {} : { tenant }) })
    )
  )
  yield* printer.listing({
    document: { schema: "baton.audit/1", entries: items as ReadonlyArray<Json> },
    items: items as ReadonlyArray<Json>,
    empty: "nothing has been asked",
    table: {
      header: ["n", "at", "who", "by", "outcome", "action", "object"],
      rows: items.map(({ action, actor, at, code, method, object, outcome, seq }) => [
        String(seq),
        at,
        actor,
        method,
        code === null ? outcome : `${outcome} ${code}`,
        action,
        object
      ])
    }
  })
  return exitCodes.done
})

const headOf = (text: string) => {
  const parts = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  return parts === null
    ? Failure.usage("INVALID_VALUE", `--expect ${text}: expected SEQ:HASH, as audit verify prints it`)
    : Effect.succeed({ seq: Number(parts[1]), hash: parts[2]! })
}

export const auditVerify = Effect.fnUntraced(function*({ expect, tenant }: AuditVerify) {
  const printer = yield* Printer
  const expected = expect === undefined ? undefined : yield* headOf(expect)
  const verdict = yield* Backend.withPorts(
    { beside: true },
    Effect.flatMap(
      AuditClient,
      (audit) =>
        audit.verify({ ...(expected === undefined ? {} : { expected }), ...(tenant === undefined ? {} : { tenant }) })
    )
  )
  const { entries, fault, head } = verdict
  if (printer.isJson) yield* printer.document({ schema: "baton.verdict/1", ...verdict })
  else if (fault === null) yield* printer.answer(`${entries} entries, unbroken; end ${head.seq}:${head.hash}`)
  else yield* printer.answer(TerminalText.line(`broken at entry ${fault.seq}: ${fault.problem}`))
  return fault === null ? exitCodes.done : exitCodes.problems
})

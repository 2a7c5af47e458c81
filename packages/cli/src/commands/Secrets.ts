/** `secrets set|list|remove`. A value comes from a hidden prompt or stdin and goes nowhere but into the store. */
import { SecretsClient } from "@baton/contract/SecretsClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { SecretsList, SecretsRemove, SecretsSet } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as TerminalText from "../TerminalText.ts"
import * as Confirmation from "./Confirmation.ts"

/** Longest secret, in bytes. */
const secretBytesMax = 65_536

const refuse = (what: string) => Failure.usage("SECRET_INVALID", what)

const decode = (bytes: Uint8Array) =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => refuse("the value is not UTF-8 text")
  })

/** A secret from stdin, or from a person who is asked without an echo. */
export const readValue = Effect.fnUntraced(function*(
  name: string,
  command = `baton secrets set ${name}`
) {
  const printer = yield* Printer
  const { stdin } = yield* Screen
  if (stdin.isTerminal && !printer.interactive) {
    return yield* Failure.usage(
      "NO_INPUT",
      "the value must come from stdin here",
      `printf %s "$VALUE" | ${command}`
    )
  }
  const text = stdin.isTerminal
    ? yield* stdin.ask(`Value of ${TerminalText.line(name)} (not shown): `, { hidden: true })
    : yield* decode(yield* stdin.readAll(secretBytesMax))
  const value = text.replace(/\r?\n$/, "")
  if (value === "") return yield* refuse("the value is empty")
  if (value.includes("\0")) return yield* refuse("the value holds a NUL character")
  return Redacted.make(value)
})

export const secretsSet = Effect.fnUntraced(function*(request: SecretsSet) {
  const printer = yield* Printer
  const value = yield* readValue(request.name)
  return yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const secrets = yield* SecretsClient
      yield* secrets.set(request.name, value, request.host)
      if (request.host.length === 0) {
        yield* printer.note(
          `warning[SECRET_UNBOUND]: ${TerminalText.line(request.name)} may be sent to no host; add --host`
        )
      }
      yield* printer.isJson
        ? printer.document({ schema: "baton.receipt/1", action: "set", secret: request.name, hosts: request.host })
        : printer.answer(TerminalText.line(`${request.name} set hosts=${request.host.join(",")}`))
      return exitCodes.done
    })
  )
})

export const secretsList = Effect.fnUntraced(function*(_request: SecretsList) {
  const printer = yield* Printer
  const items = yield* Backend.withPorts({}, Effect.flatMap(SecretsClient, (secrets) => secrets.list))
  yield* printer.listing({
    document: { schema: "baton.secrets/1", secrets: items as ReadonlyArray<Json> },
    items: items as ReadonlyArray<Json>,
    empty: "no secrets",
    table: {
      header: ["name", "source", "updated", "hosts"],
      rows: items.map((item) => [item.name, item.source, item.updatedAt ?? "", item.hosts.join(", ")])
    }
  })
  return exitCodes.done
})

export const secretsRemove = Effect.fnUntraced(function*(request: SecretsRemove) {
  const printer = yield* Printer
  yield* Confirmation.require(`forget the secret ${request.name}`)
  const removed = yield* Backend.withPorts({}, Effect.flatMap(SecretsClient, (secrets) => secrets.remove(request.name)))
  if (!removed) {
    return yield* new Failure.Failure({
      exit: exitCodes.notFound,
      code: "SECRET_NOT_FOUND",
      what: `there is no stored secret ${request.name}`,
      hint: "baton secrets list"
    })
  }
  yield* printer.isJson
    ? printer.document({ schema: "baton.receipt/1", action: "removed", secret: request.name })
    : printer.answer(TerminalText.line(`${request.name} removed`))
  return exitCodes.done
})

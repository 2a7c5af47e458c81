/** Which store a server is told to use: `sqlite:FOLDER` today; others are refused with what is missing. */
import { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"

const scheme = /^([a-z][a-z0-9+.-]*):(.*)$/i

const known: { readonly [scheme: string]: string } = {
  postgres: "PostgreSQL",
  postgresql: "PostgreSQL",
  redis: "Redis",
  rediss: "Redis"
}

const refuse = (code: string, message: string) =>
  Effect.fail(
    new ClientError({
      reason: "unavailable",
      code,
      message,
      hint: "--store sqlite:FOLDER, or --data FOLDER, which is the same"
    })
  )

/** The folder of the store; `undefined` when nothing is said of it. */
export const folderOf = (store: string | undefined): Effect.Effect<string | undefined, ClientError> => {
  if (store === undefined || store === "") return Effect.undefined
  const [, name = "", place = ""] = scheme.exec(store) ?? []
  if (name.toLowerCase() === "sqlite") {
    return Effect.succeed(place === "" ? undefined : place.replace(/^\/\/(?=\/|\.)/, ""))
  }
  const other = known[name.toLowerCase()]
  // An address may hold a password: only its beginning is said again.
  return other === undefined
    ? refuse("STORE_UNKNOWN", `--store ${name === "" ? store.slice(0, 64) : `${name}:…`}: expected sqlite:FOLDER`)
    : refuse(
      "STORE_UNSUPPORTED",
      `a store in ${other} needs the adapter for it, which is not part of this version: only SQLite is`
    )
}

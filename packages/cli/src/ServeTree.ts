/** `baton dev` and `baton serve`. */
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { handlersFlag, leaf } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

/** Where a server listens when nothing says otherwise. */
export const portDefault = 7377
export const hostDefault = "127.0.0.1"

const configFlag = GlobalFlags.text(
  "config",
  "FILE",
  "Settings (default baton.json in the data folder, or BATON_CONFIG)"
)

const flags = {
  port: Flag.Int("port").pipe(
    Flag.withDescription(`Where it listens; 0 is any free port (default ${portDefault})`),
    Flag.optional
  ),
  host: GlobalFlags.text("host", "ADDRESS", `The address it listens on (default ${hostDefault}: this machine only)`),
  store: GlobalFlags.text("store", "ADDRESS", "Where runs are kept: sqlite:FOLDER, the same as --data FOLDER"),
  role: GlobalFlags.text("role", "LIST", "What this process does: api,coordinator,worker[:TYPE],sweeper (default all)"),
  config: configFlag,
  requireKeys: GlobalFlags.toggle(
    "require-keys",
    "dev: ask for a key as serve does; a host that others reach needs it"
  ),
  handlers: handlersFlag
}

const request = (mode: "dev" | "serve") =>
(input: {
  readonly port: Option.Option<number>
  readonly host: Option.Option<string>
  readonly store: Option.Option<string>
  readonly role: Option.Option<string>
  readonly config: Option.Option<string>
  readonly handlers: Option.Option<string>
  readonly requireKeys: boolean
}) => ({
  _tag: "Serve" as const,
  mode,
  port: Option.getOrUndefined(input.port),
  host: Option.getOrUndefined(input.host),
  store: Option.getOrUndefined(input.store),
  roles: Option.getOrUndefined(input.role),
  config: Option.getOrUndefined(input.config),
  handlers: Option.getOrUndefined(input.handlers),
  requireKeys: input.requireKeys || mode === "serve"
})

export const dev = leaf("dev", "Everything in one process, on one URL, for one person", flags, [
  ["baton dev", `http://${hostDefault}:${portDefault}, no key needed`],
  ["baton dev --port 0 --handlers ./handlers.ts", "any free port, own functions"]
], request("dev"))

export const serve = leaf("serve", "Serve Baton over HTTP, for production", flags, [
  ["baton serve", "the store in .baton, for this machine only"],
  ["baton serve --host 0.0.0.0 --port 8080", "for a network: clients need keys"],
  ["baton serve --role coordinator,worker,sweeper", "works on runs, answers health probes only"]
], request("serve"))

export const config = leaf("config", "Show every setting, and who says so: environment, file or default", {
  config: configFlag,
  changed: GlobalFlags.toggle("changed", "Only what differs from the defaults")
}, [
  ["baton config --changed", "what this machine is told"],
  ["baton config --json", "for programs; secrets are masked"]
], (input) => ({ _tag: "Configuration" as const, file: Option.getOrUndefined(input.config), changed: input.changed }))

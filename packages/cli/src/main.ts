/**
 * The process: lazily loaded commands, signals, exit code. A command's code and the engine behind it are imported when
 * they are needed, because `baton --help` and a refused command line must not wait for them.
 */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { existsSync, readFileSync } from "node:fs"
import { Backend, type StoreOptions } from "./Backend.ts"
import * as Environment from "./Environment.ts"
import { exitCodes } from "./ExitCode.ts"
import * as Farewell from "./Farewell.ts"
import * as ProcessScreen from "./ProcessScreen.ts"
import * as Program from "./Program.ts"
import * as ServerFile from "./ServerFile.ts"

const run = () => import("./commands/Run.ts")
const reports = () => import("./commands/RunReports.ts")
const control = () => import("./commands/RunControl.ts")
const patches = () => import("./commands/Patches.ts")
const letters = () => import("./commands/DeadLetters.ts")
const operators = () => import("./commands/Operators.ts")
const receipts = () => import("./commands/Receipts.ts")
const secrets = () => import("./commands/Secrets.ts")
const keys = () => import("./commands/Keys.ts")
const audit = () => import("./commands/Audit.ts")
const approvals = () => import("./commands/Approvals.ts")
const flows = () => import("./commands/Flows.ts")
const catalog = () => import("./commands/FlowCatalog.ts")
const store = () => import("./commands/Store.ts")
const webhooks = () => import("./commands/Webhooks.ts")

const commands: Program.Commands = {
  Serve: async () => (await import("./commands/Serve.ts")).serve,
  RunFlow: async () => (await run()).runFlow,
  Research: async () => (await import("./commands/Research.ts")).research,
  RunsList: async () => (await reports()).runsList,
  RunsShow: async () => (await reports()).runsShow,
  RunsWatch: async () => (await run()).runsWatch,
  RunsJournal: async () => (await reports()).runsJournal,
  RunsExplain: async () => (await reports()).runsExplain,
  RunsLogs: async () => (await reports()).runsLogs,
  RunsSend: async () => (await control()).runsSend,
  RunsCancel: async () => (await control()).runsCancel,
  RunsPause: async () => (await control()).runsPause,
  RunsResume: async () => (await run()).runsResume,
  RunsPatch: async () => (await patches()).runsPatch,
  RunsGraph: async () => (await patches()).runsGraph,
  PatchesList: async () => (await patches()).patchesList,
  PatchesShow: async () => (await patches()).patchesShow,
  PatchesDiff: async () => (await patches()).patchesDiff,
  PatchesDecide: async () => (await patches()).patchesDecide,
  PatchesRevert: async () => (await patches()).patchesRevert,
  RunsRetry: async () => (await operators()).runsRetry,
  RunsSkip: async () => (await operators()).runsSkip,
  RunsAbort: async () => (await operators()).runsAbort,
  RunsFork: async () => (await operators()).runsFork,
  LettersList: async () => (await letters()).lettersList,
  LettersShow: async () => (await letters()).lettersShow,
  LettersReprocess: async () => (await letters()).lettersReprocess,
  LettersDiscard: async () => (await letters()).lettersDiscard,
  RunsDiff: async () => (await import("./commands/RunDiff.ts")).runsDiff,
  Usage: async () => (await import("./commands/Usage.ts")).usage,
  ReceiptsStats: async () => (await receipts()).receiptsStats,
  ReceiptsClear: async () => (await receipts()).receiptsClear,
  RunsDelete: async () => (await control()).runsDelete,
  RunsPrune: async () => (await control()).runsPrune,
  ApprovalsList: async () => (await approvals()).approvalsList,
  ApprovalsShow: async () => (await approvals()).approvalsShow,
  ApprovalsDecide: async () => (await approvals()).approvalsDecide,
  ApprovalsLink: async () => (await import("./commands/ApprovalLink.ts")).approvalsLink,
  SecretsSet: async () => (await secrets()).secretsSet,
  SecretsList: async () => (await secrets()).secretsList,
  SecretsRemove: async () => (await secrets()).secretsRemove,
  KeysCreate: async () => (await keys()).keysCreate,
  KeysList: async () => (await keys()).keysList,
  KeysRotate: async () => (await keys()).keysRotate,
  KeysRevoke: async () => (await keys()).keysRevoke,
  AuditList: async () => (await audit()).auditList,
  AuditVerify: async () => (await audit()).auditVerify,
  FlowsCheck: async () => (await flows()).flowsCheck,
  FlowsShow: async () => (await flows()).flowsShow,
  FlowsGraph: async () => (await flows()).flowsGraph,
  FlowsPublish: async () => (await catalog()).flowsPublish,
  FlowsList: async () => (await catalog()).flowsList,
  FlowsDiff: async () => (await catalog()).flowsDiff,
  Backup: async () => (await store()).backup,
  WebhooksList: async () => (await webhooks()).webhooksList,
  WebhooksAdd: async () => (await webhooks()).webhooksAdd,
  WebhooksShow: async () => (await webhooks()).webhooksShow,
  WebhooksTest: async () => (await webhooks()).webhooksTest,
  WebhooksState: async () => (await webhooks()).webhooksState,
  WebhooksRotate: async () => (await webhooks()).webhooksRotate,
  WebhooksRemove: async () => (await webhooks()).webhooksRemove,
  WebhooksDeliveries: async () => (await webhooks()).webhooksDeliveries,
  WebhooksResend: async () => (await webhooks()).webhooksResend,
  Configuration: async () => (await import("./commands/Configuration.ts")).configuration,
  Doctor: async () => (await store()).doctor
}

type Open = (options: StoreOptions) => Layer.Layer<Ports, ClientError>

const served: Backend["Service"]["serve"] = (options) =>
  Layer.unwrap(
    Effect.map(Effect.promise(() => import("./Composition.ts")), (composition) => composition.serve(options))
  )

const configured: Backend["Service"]["configuration"] = (options) =>
  Effect.flatMap(Effect.promise(() => import("./Composition.ts")), (composition) => composition.configuration(options))

const connected: Backend["Service"]["connect"] = (options) =>
  Layer.unwrap(
    Effect.map(Effect.promise(() => import("@baton/contract/remote/RemotePorts")), (ports) => ports.layer(options))
  )

/** Only where a server has left its address is there anything to load. */
const found: Backend["Service"]["find"] = (data) =>
  existsSync(ServerFile.pathOf(data))
    ? Effect.flatMap(Effect.promise(() => import("./ServerSearch.ts")), (search) => search.find(data))
    : Effect.succeed(undefined)

const composed: Open = (options) =>
  Layer.unwrap(
    Effect.map(Effect.promise(() => import("./Composition.ts")), (composition) => composition.layer(options))
  )

const signals: { readonly [signal in "SIGINT" | "SIGTERM" | "SIGHUP"]: number } = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.hungUp
}

/** A second signal within this many milliseconds is the same wish; a later one ends the process at once. */
const sameWishMs = 1_000

const sayAndExit = (farewell: Farewell.Farewell["Service"], code: number): void => {
  process.stderr.write(farewell.lines(code).map((line) => `${line}\n`).join(""), () => process.exit(code))
}

const runMain = (farewell: Farewell.Farewell["Service"]) =>
  Runtime.makeRunMain(({ fiber, teardown }) => {
    let asked: { readonly exit: number; readonly at: number } | undefined
    const stop = (signal: keyof typeof signals) => {
      if (farewell.isConcluded()) process.exit(signals[signal])
      else if (asked === undefined) {
        asked = { exit: signals[signal], at: performance.now() }
        fiber.interruptUnsafe(fiber.id)
      } else if (performance.now() - asked.at > sameWishMs) sayAndExit(farewell, asked.exit)
    }
    for (const signal of Object.keys(signals)) process.on(signal, stop)
    fiber.addObserver((exit) => {
      if (asked !== undefined && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) {
        sayAndExit(farewell, asked.exit)
      } else teardown(exit, (code) => process.exit(code))
    })
  })

/** Starts the command line of this process; `open` replaces the engine in tests. */
export const main = (open: Open = composed): void => {
  const farewell = Farewell.make()
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
  const program = Program.run({ args: process.argv.slice(2), version, commands }).pipe(
    Effect.provide(Layer.mergeAll(
      ProcessScreen.layer,
      Environment.layer,
      Layer.succeed(Backend, { open, connect: connected, find: found, serve: served, configuration: configured }),
      Layer.succeed(Farewell.Farewell, farewell)
    ))
  )
  runMain(farewell)(program, {
    disableErrorReporting: true,
    teardown: (exit, onExit) =>
      onExit(Exit.isSuccess(exit) && typeof exit.value === "number" ? exit.value : exitCodes.bug)
  })
}

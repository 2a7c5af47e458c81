/** Runs a command line against fake streams and a fake client, and reports what it printed. */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Backend, type ConnectOptions, Server, type StoreOptions } from "../src/Backend.ts"
import * as ApprovalLink from "../src/commands/ApprovalLink.ts"
import * as Approvals from "../src/commands/Approvals.ts"
import * as Audit from "../src/commands/Audit.ts"
import * as Configuration from "../src/commands/Configuration.ts"
import * as DeadLetters from "../src/commands/DeadLetters.ts"
import * as FlowCatalog from "../src/commands/FlowCatalog.ts"
import * as Flows from "../src/commands/Flows.ts"
import * as Keys from "../src/commands/Keys.ts"
import * as Operators from "../src/commands/Operators.ts"
import * as Patches from "../src/commands/Patches.ts"
import * as Receipts from "../src/commands/Receipts.ts"
import * as Research from "../src/commands/Research.ts"
import * as Run from "../src/commands/Run.ts"
import * as RunControl from "../src/commands/RunControl.ts"
import * as RunDiff from "../src/commands/RunDiff.ts"
import * as RunReports from "../src/commands/RunReports.ts"
import * as Secrets from "../src/commands/Secrets.ts"
import * as Serve from "../src/commands/Serve.ts"
import * as Store from "../src/commands/Store.ts"
import * as Usage from "../src/commands/Usage.ts"
import * as Webhooks from "../src/commands/Webhooks.ts"
import * as Environment from "../src/Environment.ts"
import * as Failure from "../src/Failure.ts"
import * as Farewell from "../src/Farewell.ts"
import * as Program from "../src/Program.ts"
import { type Output, OutputClosed, Screen } from "../src/Screen.ts"
import * as FakeClient from "./FakeClient.ts"
import { scripts } from "./Scripts.ts"

const later = <A>(execute: A) => () => Promise.resolve(execute)

const commands: Program.Commands = {
  Serve: later(Serve.serve),
  RunFlow: later(Run.runFlow),
  Research: later(Research.research),
  RunsList: later(RunReports.runsList),
  RunsShow: later(RunReports.runsShow),
  RunsWatch: later(Run.runsWatch),
  RunsJournal: later(RunReports.runsJournal),
  RunsExplain: later(RunReports.runsExplain),
  RunsLogs: later(RunReports.runsLogs),
  RunsSend: later(RunControl.runsSend),
  RunsCancel: later(RunControl.runsCancel),
  RunsPause: later(RunControl.runsPause),
  RunsResume: later(Run.runsResume),
  RunsPatch: later(Patches.runsPatch),
  RunsGraph: later(Patches.runsGraph),
  PatchesList: later(Patches.patchesList),
  PatchesShow: later(Patches.patchesShow),
  PatchesDiff: later(Patches.patchesDiff),
  PatchesDecide: later(Patches.patchesDecide),
  PatchesRevert: later(Patches.patchesRevert),
  RunsRetry: later(Operators.runsRetry),
  RunsSkip: later(Operators.runsSkip),
  RunsAbort: later(Operators.runsAbort),
  RunsFork: later(Operators.runsFork),
  LettersList: later(DeadLetters.lettersList),
  LettersShow: later(DeadLetters.lettersShow),
  LettersReprocess: later(DeadLetters.lettersReprocess),
  LettersDiscard: later(DeadLetters.lettersDiscard),
  RunsDiff: later(RunDiff.runsDiff),
  RunsDelete: later(RunControl.runsDelete),
  RunsPrune: later(RunControl.runsPrune),
  ApprovalsList: later(Approvals.approvalsList),
  ApprovalsShow: later(Approvals.approvalsShow),
  ApprovalsDecide: later(Approvals.approvalsDecide),
  Usage: later(Usage.usage),
  ReceiptsStats: later(Receipts.receiptsStats),
  ReceiptsClear: later(Receipts.receiptsClear),
  ApprovalsLink: later(ApprovalLink.approvalsLink),
  SecretsSet: later(Secrets.secretsSet),
  SecretsList: later(Secrets.secretsList),
  SecretsRemove: later(Secrets.secretsRemove),
  KeysCreate: later(Keys.keysCreate),
  KeysList: later(Keys.keysList),
  KeysRotate: later(Keys.keysRotate),
  KeysRevoke: later(Keys.keysRevoke),
  AuditList: later(Audit.auditList),
  AuditVerify: later(Audit.auditVerify),
  FlowsCheck: later(Flows.flowsCheck),
  FlowsShow: later(Flows.flowsShow),
  FlowsGraph: later(Flows.flowsGraph),
  FlowsPublish: later(FlowCatalog.flowsPublish),
  FlowsList: later(FlowCatalog.flowsList),
  FlowsDiff: later(FlowCatalog.flowsDiff),
  Backup: later(Store.backup),
  WebhooksList: later(Webhooks.webhooksList),
  WebhooksAdd: later(Webhooks.webhooksAdd),
  WebhooksShow: later(Webhooks.webhooksShow),
  WebhooksTest: later(Webhooks.webhooksTest),
  WebhooksState: later(Webhooks.webhooksState),
  WebhooksRotate: later(Webhooks.webhooksRotate),
  WebhooksRemove: later(Webhooks.webhooksRemove),
  WebhooksDeliveries: later(Webhooks.webhooksDeliveries),
  WebhooksResend: later(Webhooks.webhooksResend),
  Configuration: later(Configuration.configuration),
  Doctor: later(Store.doctor)
}

export interface Setup {
  readonly seen?: FakeClient.Seen
  readonly environment?: Partial<Environment.EnvironmentValues>
  /** Which of the streams are terminals. */
  readonly terminals?: ReadonlyArray<"stdin" | "stdout" | "stderr">
  readonly stdin?: string
  /** Answers to questions, in order. */
  readonly answers?: ReadonlyArray<string>
  /** Nobody reads stdout. */
  readonly stdoutClosed?: boolean
  /** Interrupts once stderr holds this text. */
  readonly interruptAt?: string
  /** Done once stderr holds the text. */
  readonly heard?: { readonly text: string; readonly done: Deferred.Deferred<void> }
  readonly backend?: (options: StoreOptions) => Layer.Layer<Ports, ClientError>
  readonly server?: (options: ConnectOptions) => Layer.Layer<Ports, ClientError>
  /** The server that serves the data folder. */
  readonly found?: string
}

export interface Answer {
  /** Undefined when the command was interrupted. */
  readonly exit: number | undefined
  readonly out: string
  readonly err: string
  readonly questions: ReadonlyArray<string>
  readonly farewell: ReadonlyArray<string>
  readonly opened: ReadonlyArray<StoreOptions>
  readonly connected: ReadonlyArray<ConnectOptions>
  readonly seen: FakeClient.Seen
}

const output = (isTerminal: boolean, write: (text: string) => Effect.Effect<void, OutputClosed>): Output => ({
  isTerminal,
  viewport: () => ({ columns: 80, rows: 24 }),
  write
})

export const baton = (args: ReadonlyArray<string>, setup: Setup = {}): Effect.Effect<Answer> =>
  Effect.gen(function*() {
    const seen = setup.seen ?? FakeClient.nothingSeen()
    const opened: Array<StoreOptions> = []
    const connected: Array<ConnectOptions> = []
    const questions: Array<string> = []
    const answers = [...setup.answers ?? []]
    const terminals = new Set(setup.terminals)
    const farewell = Farewell.make()
    let out = ""
    let err = ""
    const running: { fiber?: Fiber.Fiber<number> } = {}
    const screen = Screen.of({
      stdout: output(terminals.has("stdout"), (text) =>
        Effect.suspend(() => {
          if (setup.stdoutClosed === true) return Effect.fail(new OutputClosed())
          out += text
          return Effect.void
        })),
      stderr: output(terminals.has("stderr"), (text) =>
        Effect.sync(() => {
          err += text
          if (setup.heard !== undefined && err.includes(setup.heard.text)) {
            Deferred.doneUnsafe(setup.heard.done, Effect.void)
          }
          if (setup.interruptAt !== undefined && err.includes(setup.interruptAt)) running.fiber?.interruptUnsafe()
        })),
      stdin: {
        isTerminal: terminals.has("stdin"),
        readAll: () => Effect.succeed(new TextEncoder().encode(setup.stdin ?? "")),
        ask: (question) =>
          Effect.suspend(() => {
            questions.push(question)
            const answer = answers.shift()
            return answer === undefined ? Effect.fail(Failure.usage("NO_ANSWER", "")) : Effect.succeed(answer)
          })
      }
    })
    const open = (options: StoreOptions) => {
      opened.push(options)
      return setup.backend?.(options) ?? FakeClient.layer(scripts, seen)
    }
    running.fiber = yield* Program.run({ args, version: "9.9.9", commands }).pipe(
      Effect.provide(Layer.mergeAll(
        Layer.succeed(Screen, screen),
        Layer.succeed(Environment.Environment, { ...Environment.empty, ...setup.environment }),
        Layer.succeed(Backend, {
          open,
          connect: (options) => {
            connected.push(options)
            return setup.server?.(options) ?? FakeClient.layer(scripts, seen)
          },
          find: () => Effect.succeed(setup.found),
          configuration: () => Effect.succeed({ file: null, settings: [] }),
          serve: () => Layer.succeed(Server, { url: "http://127.0.0.1:7377", data: "/data", api: true })
        }),
        Layer.succeed(Farewell.Farewell, farewell)
      )),
      Effect.forkChild
    )
    const exit = yield* Fiber.await(running.fiber)
    return {
      exit: exit._tag === "Success" ? exit.value : undefined,
      out,
      err,
      questions,
      farewell: farewell.lines(130),
      opened,
      connected,
      seen
    }
  })

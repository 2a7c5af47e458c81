/** A command line, understood: which command, with what, and the flags every command has. */
import type { RunStatus } from "@baton/contract/RunDocument"
import type { UsageBy } from "@baton/contract/UsageClient"
import type { DoorKind } from "@baton/kernel/Doors"
import type { AccessRequest } from "./KeysTree.ts"
import type * as Operators from "./OperatorRequests.ts"
import type { PatchRequest } from "./PatchRequests.ts"
import type * as Receipts from "./ReceiptsTree.ts"
import type { WebhookRequest } from "./WebhookRequests.ts"

export type Format = "table" | "json" | "jsonl" | "tsv" | "mermaid" | "text"
export type Progress = "auto" | "tty" | "plain" | "jsonl" | "none"

export interface Globals {
  readonly data: string | undefined
  /** Address of a server, or `none`. */
  readonly server: string | undefined
  readonly format: Format
  readonly progress: Progress
  readonly color: "auto" | "always" | "never"
  /** How the engine's own words look; absent: as the environment says. */
  readonly log?: "text" | "json" | undefined
  readonly noInput: boolean
  readonly yes: boolean
  readonly quiet: boolean
  readonly verbose: boolean
}

/** How a run is waited for. */
export interface Waiting {
  readonly strict: boolean
  /** Milliseconds. */
  readonly waitTimeout: number | undefined
}

export interface RunFlow extends Waiting {
  readonly _tag: "RunFlow"
  readonly flow: string
  /** `k=v` texts, in order. */
  readonly set: ReadonlyArray<string>
  readonly input: string | undefined
  readonly detach: boolean
  readonly handlers: string | undefined
  /** Who starts it. */
  readonly as: string | undefined
  /** `name=registered` texts. */
  readonly agent: ReadonlyArray<string>
  readonly tag: ReadonlyArray<string>
  /** As `usd=0.5,tokens=20000`. */
  readonly budget: string | undefined
  readonly allowUnknownPrice: boolean
}

export interface Research extends Waiting {
  readonly _tag: "Research"
  readonly question: string
  readonly files: ReadonlyArray<string>
  readonly out: string | undefined
  readonly engine: "extractive" | "llm"
  readonly model: string | undefined
}

export interface RunsList {
  readonly _tag: "RunsList"
  /** Steps whose call's outcome nobody knows, over all runs. */
  readonly unknown: boolean
  /** Runs in which all that is open waits. */
  readonly waiting: boolean
  /** Steps that wait for this reason, over all runs. */
  readonly reason: string | undefined
  readonly status: ReadonlyArray<RunStatus>
  readonly flow: string | undefined
  readonly parent: string | undefined
  readonly roots: boolean
  /** Milliseconds back from now. */
  readonly since: number | undefined
  readonly after: string | undefined
  readonly limit: number
}

export interface RunsShow {
  readonly _tag: "RunsShow"
  readonly run: string
}

export interface RunsWatch extends Waiting {
  readonly _tag: "RunsWatch"
  readonly run: string
}

export interface RunsJournal {
  readonly _tag: "RunsJournal"
  readonly run: string
  readonly after: number
  readonly follow: boolean
}

export interface RunsExplain {
  readonly _tag: "RunsExplain"
  readonly run: string
}

export interface RunsLogs {
  readonly _tag: "RunsLogs"
  readonly run: string
  readonly step: string | undefined
  readonly follow: boolean
}

export interface RunsSend {
  readonly _tag: "RunsSend"
  readonly run: string
  readonly name: string
  readonly set: ReadonlyArray<string>
  readonly input: string | undefined
  readonly id: string | undefined
}

export interface RunsCancel {
  readonly _tag: "RunsCancel"
  readonly run: string
  readonly as: string | undefined
  readonly reason: string | undefined
}

export interface RunsPause {
  readonly _tag: "RunsPause"
  readonly run: string
  readonly as: string | undefined
}

export interface RunsResume extends Waiting {
  readonly _tag: "RunsResume"
  readonly run: string
  readonly as: string | undefined
  readonly handlers: string | undefined
  readonly detach: boolean
  /** As `+0.50`, `tokens=+1000`. */
  readonly budget: string | undefined
  readonly allowUnknownPrice: boolean
}

export interface RunsDelete {
  readonly _tag: "RunsDelete"
  readonly run: string
}

export interface Usage {
  readonly _tag: "Usage"
  readonly by: UsageBy
  /** Milliseconds back from now. */
  readonly since: number | undefined
  readonly limit: number
}

export interface RunsPrune {
  readonly _tag: "RunsPrune"
  /** Milliseconds. */
  readonly olderThan: number
}

export interface ApprovalsList {
  readonly _tag: "ApprovalsList"
  readonly kind: ReadonlyArray<DoorKind>
  readonly run: string | undefined
  readonly all: boolean
  readonly after: string | undefined
  readonly limit: number
}

/** An approval's id, a run that waits for one decision, or a run and a step. */
export interface ApprovalTarget {
  readonly target: string
  readonly step: string | undefined
}

export interface ApprovalsShow extends ApprovalTarget {
  readonly _tag: "ApprovalsShow"
}

export interface ApprovalsDecide extends ApprovalTarget {
  readonly _tag: "ApprovalsDecide"
  readonly verb: "approve" | "reject" | "retry" | "answer"
  /** Decide by this option instead of by the verb. */
  readonly option: string | undefined
  readonly comment: string | undefined
  /** What the form asks for: `k=v` texts, or a document. */
  readonly set: ReadonlyArray<string>
  readonly input: string | undefined
  /** JSON text. */
  readonly modify: string | undefined
  /** An answer in words. */
  readonly text: string | undefined
  readonly as: string | undefined
  readonly group: ReadonlyArray<string>
  readonly hash: string | undefined
}

export interface ApprovalsLink extends ApprovalTarget {
  readonly _tag: "ApprovalsLink"
  /** Milliseconds. */
  readonly expires: number | undefined
  readonly as: string | undefined
  readonly group: ReadonlyArray<string>
}

export interface SecretsSet {
  readonly _tag: "SecretsSet"
  readonly name: string
  readonly host: ReadonlyArray<string>
}

export interface SecretsList {
  readonly _tag: "SecretsList"
}

export interface SecretsRemove {
  readonly _tag: "SecretsRemove"
  readonly name: string
}

export interface FlowsCheck {
  readonly _tag: "FlowsCheck"
  readonly files: ReadonlyArray<string>
  readonly strict: boolean
}

export interface FlowsShow {
  readonly _tag: "FlowsShow"
  readonly flow: string
  readonly canonical: boolean
}

export interface FlowsPublish {
  readonly _tag: "FlowsPublish"
  readonly file: string
}

export interface FlowsList {
  readonly _tag: "FlowsList"
  readonly name: string | undefined
}

export interface FlowsDiff {
  readonly _tag: "FlowsDiff"
  readonly before: string
  readonly after: string
}

export interface FlowsGraph {
  readonly _tag: "FlowsGraph"
  readonly flow: string
}

export interface Serve {
  readonly _tag: "Serve"
  readonly mode: "dev" | "serve"
  readonly port: number | undefined
  readonly host: string | undefined
  readonly store: string | undefined
  readonly roles: string | undefined
  readonly config: string | undefined
  readonly handlers: string | undefined
  readonly requireKeys: boolean
}

export interface Backup {
  readonly _tag: "Backup"
  readonly file: string
}

export interface Configuration {
  readonly _tag: "Configuration"
  readonly file: string | undefined
  /** Only what differs from the default. */
  readonly changed: boolean
}

export interface Doctor {
  readonly _tag: "Doctor"
}

export interface Completion {
  readonly _tag: "Completion"
  readonly script: string
}

export type Request =
  | Configuration
  | Serve
  | RunFlow
  | Research
  | RunsList
  | RunsShow
  | RunsWatch
  | RunsJournal
  | RunsExplain
  | RunsLogs
  | RunsSend
  | RunsCancel
  | RunsPause
  | RunsResume
  | PatchRequest
  | AccessRequest
  | Operators.RunsRetry
  | Operators.RunsSkip
  | Operators.RunsAbort
  | Operators.RunsFork
  | Operators.RunsDiff
  | Receipts.ReceiptsStats
  | Receipts.ReceiptsClear
  | WebhookRequest
  | Operators.LettersList
  | Operators.LettersShow
  | Operators.LettersReprocess
  | Operators.LettersDiscard
  | RunsDelete
  | RunsPrune
  | Usage
  | ApprovalsList
  | ApprovalsShow
  | ApprovalsDecide
  | ApprovalsLink
  | SecretsSet
  | SecretsList
  | SecretsRemove
  | FlowsCheck
  | FlowsShow
  | FlowsPublish
  | FlowsList
  | FlowsDiff
  | FlowsGraph
  | Backup
  | Doctor
  | Completion

export interface Invocation {
  readonly request: Request
  readonly globals: Globals
}

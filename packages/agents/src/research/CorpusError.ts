/** Why a corpus cannot be read. A single bad document is no error: it is skipped and the report says so. */
import { AgentError } from "@baton/engine/Agents"
import * as Schema from "effect/Schema"

export const CorpusErrorCode = Schema.Literals([
  /** A named file does not exist, or a glob matches nothing. */
  "FILES_NOT_FOUND",
  /** A path that is malformed or leaves the operator's root. */
  "FILES_REFUSED",
  /** A folder without a single document. */
  "CORPUS_EMPTY",
  "CORPUS_TOO_LARGE",
  /** Every document that was selected is unreadable. */
  "DOCUMENT_UNREADABLE",
  /** Every document that was selected is unreadable, and the first for its size. */
  "DOCUMENT_TOO_LARGE",
  /** The index file cannot be written or read. */
  "INDEX_FAILED",
  "INPUT_INVALID"
])
export type CorpusErrorCode = typeof CorpusErrorCode.Type

export class CorpusError extends Schema.TaggedError<CorpusError>()("CorpusError", {
  code: CorpusErrorCode,
  message: Schema.String
}) {}

/** The failure of an agent call: nothing was sent anywhere, and only a broken index is worth another try. */
export const toAgentError = (error: CorpusError): AgentError =>
  new AgentError({
    reason: error.code === "INPUT_INVALID" ? "validation" : error.code === "INDEX_FAILED" ? "api" : "refused",
    code: error.code,
    message: error.message,
    retryable: error.code === "INDEX_FAILED",
    sent: false
  })

/**
 * Where a rule does not hold, and why. An entry that suppresses nothing fails the test, so the list cannot rot.
 * `path` is a file, or a folder when it ends in `/`.
 */
import type { Finding } from "./Finding.ts"

export interface Exception {
  readonly rule: string
  readonly path: string
  readonly reason: string
}

export const exceptions: ReadonlyArray<Exception> = [
  {
    rule: "dynamic-import",
    path: "packages/agents/src/model/AiSdkLoader.ts",
    reason: "Three model SDKs cost 150 ms at start; most commands never ask a model of theirs."
  },
  {
    rule: "dynamic-import",
    path: "packages/cli/src/main.ts",
    reason: "Help and a refused command line must not wait for the code of all commands and of the engine."
  },
  {
    rule: "dynamic-import",
    path: "packages/server/src/Handlers.ts",
    reason: "The module of --handlers is the user's; its path is known only at run time."
  }
]

export const covers = (exception: Exception, finding: Finding): boolean =>
  exception.rule === finding.rule &&
  (exception.path.endsWith("/") ? finding.path.startsWith(exception.path) : finding.path === exception.path)

/** The findings that stand, and the exceptions that no longer suppress anything. */
export const settle = (
  findings: ReadonlyArray<Finding>,
  list: ReadonlyArray<Exception>
): { readonly open: ReadonlyArray<Finding>; readonly stale: ReadonlyArray<Exception> } => ({
  open: findings.filter((finding) => !list.some((exception) => covers(exception, finding))),
  stale: list.filter((exception) => !findings.some((finding) => covers(exception, finding)))
})

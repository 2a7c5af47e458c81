/** Lines that steps printed. */
import { cut, linesMax, type LogLine, type NumberedLine } from "@baton/engine/StepLog"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"
import * as RunTable from "./RunTable.ts"

/** Not synced: lines may be lost with the power, and wait for nobody. */
export const append = (connection: Connection, tenant: string, run: string, lines: ReadonlyArray<LogLine>): void =>
  connection.writeRelaxed(() => {
    const runNo = RunTable.numberOf(connection, tenant, run)
    if (runNo === undefined) return
    let n = Number(connection.get("SELECT max(n) AS n FROM log_line WHERE run_no = ?", runNo)?.["n"] ?? 0)
    for (const { at, attempt, line, path } of lines) {
      n += 1
      connection.run(
        "INSERT INTO log_line (run_no, n, at, path, attempt, line) VALUES (?, ?, ?, ?, ?, ?)",
        runNo,
        n,
        at,
        path,
        attempt,
        cut(line)
      )
    }
    connection.run("DELETE FROM log_line WHERE run_no = ? AND n <= ?", runNo, n - linesMax)
  })

const LineColumns = Schema.Struct({
  n: Schema.Int,
  at: Schema.Number,
  path: Schema.String,
  attempt: Schema.Int,
  line: Schema.String
})
const decodeLine = Schema.decodeUnknownSync(LineColumns)

export const read = (
  connection: Connection,
  tenant: string,
  run: string,
  options: { readonly path?: string; readonly after?: number; readonly limit: number }
): ReadonlyArray<NumberedLine> => {
  const runNo = RunTable.numberOf(connection, tenant, run)
  if (runNo === undefined) return []
  return connection.all(
    `SELECT n, at, path, attempt, line FROM log_line
      WHERE run_no = ? AND n > ? AND (? IS NULL OR path = ?) ORDER BY n LIMIT ?`,
    runNo,
    options.after ?? 0,
    options.path ?? null,
    options.path ?? null,
    options.limit
  ).map((row) => decodeLine(row))
}

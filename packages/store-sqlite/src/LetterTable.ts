/** Rows of `dead_letter`: written with the record that opens or ends them, settled by operators one by one. */
import type { LetterExpectation, LetterFate, LetterQuery, StoredLetter } from "@baton/engine/DeadLetter"
import { letterStates } from "@baton/engine/DeadLetter"
import type { Commit } from "@baton/engine/RunStore"
import * as Schema from "effect/Schema"
import type { Connection } from "./Connection.ts"

export const write = (
  connection: Connection,
  runNo: number,
  { at: now, deadLetters = [], lettersEnded = [] }: Pick<Commit, "at" | "deadLetters" | "lettersEnded">
): void => {
  for (const { by, note, path, state } of lettersEnded) {
    connection.run(
      `UPDATE dead_letter SET state = ?, settled_at = ?, settled_by = ?, note = ?
        WHERE run_no = ? AND path = ? AND state = 'open'`,
      state,
      now,
      by ?? null,
      note ?? null,
      runNo,
      path
    )
  }
  for (const { at, attempt, code, message, path } of deadLetters) {
    connection.run(
      `INSERT INTO dead_letter (run_no, path, attempt, code, message, at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (run_no, path, attempt) DO NOTHING`,
      runNo,
      path,
      attempt,
      code,
      message,
      at
    )
  }
}

const Columns = Schema.Struct({
  letter_no: Schema.Number,
  run: Schema.String,
  path: Schema.String,
  attempt: Schema.Number,
  code: Schema.String,
  message: Schema.String,
  at: Schema.Number,
  state: Schema.Literals(letterStates),
  settled_at: Schema.NullOr(Schema.Number),
  settled_by: Schema.NullOr(Schema.String),
  note: Schema.NullOr(Schema.String),
  into_run: Schema.NullOr(Schema.String)
})
const decode = Schema.decodeUnknownSync(Columns)

const letter = (row: unknown): StoredLetter => {
  const { at, attempt, code, into_run, letter_no, message, note, path, run, settled_at, settled_by, state } = decode(
    row
  )
  return {
    id: letter_no,
    run,
    path,
    attempt,
    code,
    message,
    at,
    state,
    settledAt: settled_at ?? undefined,
    by: settled_by ?? undefined,
    note: note ?? undefined,
    into: into_run ?? undefined
  }
}

export const list = (connection: Connection, query: LetterQuery): ReadonlyArray<StoredLetter> => {
  const conditions: Array<readonly [sql: string, value: string | number]> = [["r.tenant = ?", query.tenant]]
  if (query.id !== undefined) conditions.push(["d.letter_no = ?", query.id])
  if (query.run !== undefined) conditions.push(["r.run = ?", query.run])
  if (query.state !== undefined) conditions.push(["d.state = ?", query.state])
  if (query.after !== undefined) conditions.push(["d.letter_no < ?", query.after])
  return connection.all(
    `SELECT d.letter_no, r.run, d.path, d.attempt, d.code, d.message, d.at, d.state, d.settled_at, d.settled_by, d.note,
      d.into_run FROM dead_letter d JOIN run r ON r.run_no = d.run_no
      WHERE ${conditions.map(([sql]) => sql).join(" AND ")} ORDER BY d.letter_no DESC LIMIT ?`,
    ...conditions.map(([, value]) => value),
    query.limit
  ).map(letter)
}

/** True for the one caller that found the letter in the state it expected. */
export const settle = (
  connection: Connection,
  tenant: string,
  id: number,
  expected: LetterExpectation,
  fate: LetterFate
): boolean =>
  connection.write(() =>
    connection.run(
      `UPDATE dead_letter SET state = ?, settled_at = ?, settled_by = ?, note = ?, into_run = ?
        WHERE letter_no = ? AND state = ? AND into_run IS ? AND run_no IN (SELECT run_no FROM run WHERE tenant = ?)`,
      fate.state,
      fate.settledAt ?? null,
      fate.by ?? null,
      fate.note ?? null,
      fate.into ?? null,
      id,
      expected.state,
      expected.into ?? null,
      tenant
    ) > 0
  )

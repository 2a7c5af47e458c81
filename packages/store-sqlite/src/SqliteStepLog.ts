/** Step logs in the store file. */
import { StepLog } from "@baton/engine/StepLog"
import * as LogTable from "./LogTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

export const make = ({ read, write }: StoreAccess) =>
  StepLog.of({
    append: (tenant, run, lines) => write("appendLog", tenant, run, lines),
    read: (tenant, run, options) => read((connection) => LogTable.read(connection, tenant, run, options))
  })

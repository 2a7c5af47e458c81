/** The run store on SQLite. Offered work lives in the owner's journal: there are no dispatch rows. */
import { RunStore } from "@baton/engine/RunStore"
import * as Effect from "effect/Effect"
import * as DoorTable from "./DoorTable.ts"
import * as LetterTable from "./LetterTable.ts"
import * as MoveTable from "./MoveTable.ts"
import * as PlaceTable from "./PlaceTable.ts"
import * as RemovalTable from "./RemovalTable.ts"
import * as RunTable from "./RunTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"
import * as UsageTable from "./UsageTable.ts"

export const make = ({ read, write }: StoreAccess) =>
  RunStore.of({
    dispatchRows: false,
    commit: (batch) => write("commit", batch),
    records: (tenant, run, after, limit) =>
      read((connection) => RunTable.records(connection, tenant, run, after, limit)),
    find: (tenant, run) => read((connection) => RunTable.find(connection, tenant, run)),
    list: (query) => read((connection) => RunTable.list(connection, query)),
    moves: (query) => read((connection) => MoveTable.list(connection, query)),
    dueTimers: (now, limit, owner) => read((connection) => RunTable.dueTimers(connection, now, limit, owner)),
    nextTimer: (owner) => read((connection) => RunTable.nextTimer(connection, owner)),
    dispatches: () => Effect.succeed([]),
    claim: () => Effect.succeed(false),
    releaseExpired: () => Effect.succeed([]),
    deadLetters: (query) => read((connection) => LetterTable.list(connection, query)),
    settleLetter: (tenant, id, expected, fate) => write("settleLetter", tenant, id, expected, fate),
    doors: (query) => read((connection) => DoorTable.list(connection, query)),
    usage: (query) => read((connection) => UsageTable.list(connection, query)),
    places: (query) => read((connection) => PlaceTable.list(connection, query)),
    tenants: read(RemovalTable.tenants),
    aged: (query) => read((connection) => RemovalTable.aged(connection, query)),
    purge: (rows) => write("purge", rows),
    remove: (tenant, run) => Effect.map(write("remove", tenant, [run]), (count) => count > 0),
    removeAll: (tenant, runs) => write("remove", tenant, runs)
  })

/** Idempotency keys in the store file. */
import { IdempotencyStore } from "@baton/engine/IdempotencyStore"
import type { StoreAccess } from "./StoreAccess.ts"

export const make = ({ write }: StoreAccess) =>
  IdempotencyStore.of({
    reserve: (tenant, wanted) => write("reserveKey", tenant, wanted),
    settle: (tenant, reserved, answer) => write("settleKey", tenant, reserved, answer),
    release: (tenant, reserved) => write("releaseKey", tenant, reserved),
    sweep: (now, keysMax) => write("sweepKeys", now, keysMax)
  })

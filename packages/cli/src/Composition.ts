/** The one place where the command line chooses what answers its ports. */
import { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Ports, StoreOptions } from "./Backend.ts"

export const layer = (_options: StoreOptions): Layer.Layer<Ports, ClientError> =>
  Layer.effectContext(Effect.fail(
    new ClientError({
      reason: "unavailable",
      code: "NO_ENGINE",
      message: "this build of the command line has no engine to run flows with"
    })
  ))

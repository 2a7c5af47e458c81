/** The one place where the command line chooses what answers its ports. */
import type { ClientError } from "@baton/contract/Client"
import * as Local from "@baton/server/Local"
import type * as Layer from "effect/Layer"
import type { Ports, StoreOptions } from "./Backend.ts"

export const layer = (options: StoreOptions): Layer.Layer<Ports, ClientError> => Local.layer(options)

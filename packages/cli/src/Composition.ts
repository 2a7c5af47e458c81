/** The one place where the command line chooses what answers its ports. */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Local from "@baton/server/Local"
import type * as Layer from "effect/Layer"
import type { StoreOptions } from "./Backend.ts"

export const layer = (options: StoreOptions): Layer.Layer<Ports, ClientError> => Local.layer(options)

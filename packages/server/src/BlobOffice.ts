/** Stored values, by address, for whoever may read this tenant's runs. */
import { BlobsClient } from "@baton/contract/BlobsClient"
import { ClientError } from "@baton/contract/Client"
import { BlobRef, type Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"

const decodeRef = Schema.decodeUnknownOption(BlobRef)

const missing = (ref: string) =>
  Effect.fail(
    new ClientError({ reason: "not_found", code: "BLOB_MISSING", message: `there is no stored value ${ref}` })
  )

export const make = (parts: Parts): BlobsClient["Service"] =>
  BlobsClient.of({
    read: (text) => {
      const ref = Option.getOrUndefined(decodeRef(text))
      if (ref === undefined) return missing(text)
      return parts.blobs.get(parts.tenant, ref).pipe(
        Effect.map((bytes): Json => JSON.parse(Buffer.from(bytes).toString("utf8"))),
        Effect.catch((error) => error.reason === "missing" ? missing(ref) : Effect.fail(Answers.fromBlobs(error)))
      )
    }
  })

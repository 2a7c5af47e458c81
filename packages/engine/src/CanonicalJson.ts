/** Canonical JSON text (see the kernel's `CanonicalText`) and the addresses of what is stored under its hash. */
import * as CanonicalText from "@baton/kernel/CanonicalText"
import type { BlobRef } from "@baton/kernel/Value"
import { hash } from "node:crypto"

export const text = CanonicalText.text

/** The address of bytes, or of the UTF-8 bytes of a text: `sha256:` and 64 lower-case hex digits. */
export const address = (bytes: Uint8Array | string): BlobRef => `sha256:${hash("sha256", bytes, "hex")}` as BlobRef

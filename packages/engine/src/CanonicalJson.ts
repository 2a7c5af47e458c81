/**
 * One text for one JSON value: members in the order of their UTF-16 names, no white space, numbers and strings as
 * `JSON.stringify` writes them (RFC 8785). Members whose value is `undefined` are left out. Expects JSON: depth and odd
 * strings are refused where documents come in.
 */
import { text } from "@baton/kernel/CanonicalText"
import type { BlobRef } from "@baton/kernel/Value"
import { hash } from "node:crypto"

export { text }

/** The address of bytes, or of the UTF-8 bytes of a text: `sha256:` and 64 lower-case hex digits. */
export const address = (bytes: Uint8Array | string): BlobRef => `sha256:${hash("sha256", bytes, "hex")}` as BlobRef

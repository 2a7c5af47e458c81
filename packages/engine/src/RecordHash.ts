/**
 * The journal's chain: SHA-256(previous record's hash ‖ bytes), the first one over the bytes alone (SEMANTICS 8.13d).
 * Whoever changes a stored record must change every later one of that run.
 */
import { hash } from "node:crypto"

/** Scratch of one thread; records longer than this are joined in a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024)

export const next = (previous: Uint8Array, bytes: Uint8Array): Uint8Array => {
  const length = previous.length + bytes.length
  const joined = length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafe(length)
  joined.set(previous, 0)
  joined.set(bytes, previous.length)
  // As text and back: a third cheaper than a buffer that brings memory of its own for 32 bytes.
  return Buffer.from(hash("sha256", joined, "latin1"), "latin1")
}

export const equals = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

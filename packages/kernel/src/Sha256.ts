/**
 * SHA-256 (FIPS 180-4) of text, for ids and hashes that `decide` makes: the same in a server, a browser and the simulator,
 * and without waiting, which the platform's own `crypto.subtle` is not.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** The 32 bytes of the hash of the text's UTF-8 form. */
export const bytes = (text: string): Uint8Array => sha256(utf8ToBytes(text))

/** 64 lower-case hex digits. */
export const hex = (text: string): string => bytesToHex(bytes(text))

/** Crockford's base 32, as run ids use it. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

/**
 * An id that sorts by time and is the same whenever it is derived again: a prefix, 10 characters of milliseconds since
 * 1970, and 16 characters of the text's hash.
 */
export const timedId = (prefix: string, at: number, text: string): string => {
  let left = Math.max(0, Math.floor(at))
  let time = ""
  for (let index = 0; index < 10; index++) {
    time = alphabet[left % 32] + time
    left = Math.floor(left / 32)
  }
  return `${prefix}_${time}${[...bytes(text).subarray(0, 16)].map((byte) => alphabet[byte & 31]).join("")}`
}

/**
 * SHA-256 (FIPS 180-4) of a text's UTF-8 bytes, for what `decide` itself must name or bind: ids that are a hash of where
 * they came from, and approvals that are bound to what was shown. The kernel has no runtime to ask; bytes that workers
 * store are hashed by the engine.
 */

const constants = new Uint32Array(64)
const start = new Uint32Array(8)

/** The first 32 bits of the fractional part. */
const fraction = (value: number): number => Math.floor((value - Math.floor(value)) * 0x1_0000_0000) >>> 0

const isPrime = (candidate: number): boolean => {
  for (let factor = 2; factor * factor <= candidate; factor++) if (candidate % factor === 0) return false
  return true
}

for (let candidate = 2, found = 0; found < 64; candidate++) {
  if (!isPrime(candidate)) continue
  if (found < 8) start[found] = fraction(Math.sqrt(candidate))
  constants[found++] = fraction(Math.cbrt(candidate))
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

const schedule = new Uint32Array(64)

const compress = (hash: Uint32Array, view: DataView, offset: number): void => {
  for (let at = 0; at < 16; at++) schedule[at] = view.getUint32(offset + at * 4)
  for (let at = 16; at < 64; at++) {
    const before = schedule[at - 15]!
    const last = schedule[at - 2]!
    const low = rotate(before, 7) ^ rotate(before, 18) ^ (before >>> 3)
    const high = rotate(last, 17) ^ rotate(last, 19) ^ (last >>> 10)
    schedule[at] = schedule[at - 16]! + low + schedule[at - 7]! + high
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash
  for (let at = 0; at < 64; at++) {
    const sum = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const one = (h + sum + ((e & f) ^ (~e & g)) + constants[at]! + schedule[at]!) | 0
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) hash[at] = hash[at]! + word
}

const encoder = new TextEncoder()

/** 32 bytes. */
export const bytes = (text: string): Uint8Array => {
  const message = encoder.encode(text)
  const padded = new Uint8Array(((message.length + 8) >> 6) * 64 + 64)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000))
  view.setUint32(padded.length - 4, message.length << 3)
  const hash = start.slice()
  for (let offset = 0; offset < padded.length; offset += 64) compress(hash, view, offset)
  const out = new DataView(new ArrayBuffer(32))
  for (const [at, word] of hash.entries()) out.setUint32(at * 4, word)
  return new Uint8Array(out.buffer)
}

/** 64 lower-case hex digits. */
export const hex = (text: string): string => [...bytes(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")

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

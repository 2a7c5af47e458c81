/** SHA-256 (FIPS 180-4) of text as UTF-8, for the kernel, which has no platform to ask. */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const primes = ((): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let candidate = 2; found.length < 64; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate)
  }
  return found
})()
const fraction = (value: number): number => ((value - Math.floor(value)) * 0x1_0000_0000) | 0
const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
const initial = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

const blockBytes = 64

/** The message with its padding: a bit, zeros, and the length in bits. */
const padded = (bytes: Uint8Array): DataView => {
  const blocks = Math.ceil((bytes.length + 9) / blockBytes)
  const view = new DataView(new ArrayBuffer(blocks * blockBytes))
  new Uint8Array(view.buffer).set(bytes)
  view.setUint8(bytes.length, 0x80)
  const bits = bytes.length * 8
  view.setUint32(view.byteLength - 8, Math.floor(bits / 0x1_0000_0000))
  view.setUint32(view.byteLength - 4, bits >>> 0)
  return view
}

const schedule = (message: DataView, offset: number, words: Int32Array): void => {
  for (let at = 0; at < 16; at++) words[at] = message.getInt32(offset + at * 4)
  for (let at = 16; at < 64; at++) {
    const a = words[at - 15]!
    const b = words[at - 2]!
    const low = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3)
    const high = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10)
    words[at] = (words[at - 16]! + low + words[at - 7]! + high) | 0
  }
}

const compress = (state: Int32Array, words: Int32Array): void => {
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!]
  let [e, f, g, h] = [state[4]!, state[5]!, state[6]!, state[7]!]
  for (let at = 0; at < 64; at++) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const one = (h + high + ((e & f) ^ (~e & g)) + constants[at]! + words[at]!) | 0
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  const added = [a, b, c, d, e, f, g, h]
  for (let at = 0; at < 8; at++) state[at] = (state[at]! + added[at]!) | 0
}

/** 64 lower-case hex digits. */
export const hex = (text: string): string => {
  const message = padded(new TextEncoder().encode(text))
  const state = Int32Array.from(initial)
  const words = new Int32Array(64)
  for (let offset = 0; offset < message.byteLength; offset += blockBytes) {
    schedule(message, offset, words)
    compress(state, words)
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("")
}

/** Ids that sort by time: a prefix, 10 characters of milliseconds, 16 of chance, in Crockford's base 32 (as ULIDs are). */
import { randomFillSync } from "node:crypto"

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

const time = (at: number): string => {
  let left = at
  let text = ""
  for (let index = 0; index < 10; index++) {
    text = alphabet[left % 32] + text
    left = Math.floor(left / 32)
  }
  return text
}

/** Characters of chance in an id: 80 bits. */
const chanceLength = 16
/** Chance is drawn for many ids at a time: each draw is a call of the system. */
const pool = new Uint8Array(chanceLength * 256)
let used = pool.length

const chance = (): string => {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let text = ""
  for (const end = used + chanceLength; used < end; used++) text += alphabet[(pool[used] ?? 0) & 31]
  return text
}

export const make = (prefix: string, at: number): string => `${prefix}_${time(at)}${chance()}`

/** Ids that sort by time: a prefix, 10 characters of milliseconds, 16 of chance, in Crockford's base 32 (as ULIDs are). */
import { randomBytes } from "node:crypto"

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

export const make = (prefix: string, at: number): string => {
  const chance = [...randomBytes(16)].map((byte) => alphabet[byte & 31]).join("")
  return `${prefix}_${time(at)}${chance}`
}

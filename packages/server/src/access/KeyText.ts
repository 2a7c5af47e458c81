/**
 * A key's text: `baton_<env>_<id>_<secret><checksum>`. The prefix and the checksum let scanners of source code find it
 * without asking anybody; the id finds its row; the secret is 43 random characters of base 62 (256 bits).
 */
import { createHash, randomInt, timingSafeEqual } from "node:crypto"
import { crc32 } from "node:zlib"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** 62^43 > 2^256. */
const secretLength = 43
/** 62^6 > 2^32. */
const checksumLength = 6

/** Longest text that is looked at as a key. */
export const lengthMax = 128

export const envDefault = "live"
export const isEnv = (text: string): boolean => /^[a-z0-9]{1,16}$/.test(text)

const idPrefix = "key_"
const pattern = new RegExp(
  `^(baton_[a-z0-9]{1,16}_([0-9a-z]{26})_[0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`
)

/** `length` characters, each as likely as the others. */
export const randomText = (length: number): string => Array.from({ length }, () => alphabet[randomInt(62)]).join("")

const checksum = (text: string): string => {
  let left = crc32(text)
  let digits = ""
  for (let index = 0; index < checksumLength; index++) {
    digits = alphabet[left % 62] + digits
    left = Math.floor(left / 62)
  }
  return digits
}

/** `id` is `key_` and 26 characters. */
export const make = (env: string, id: string): string => {
  const text = `baton_${env}_${id.slice(idPrefix.length)}_${randomText(secretLength)}`
  return text + checksum(text)
}

/** The id in a key's text; nothing when this is no key, which its checksum tells without a look-up. */
export const idOf = (text: string): string | undefined => {
  const parts = text.length > lengthMax ? null : pattern.exec(text)
  return parts === null || checksum(parts[1]!) !== parts[3] ? undefined : idPrefix + parts[2]!
}

/** What is stored of a secret text: one with 256 random bits needs no salt and no slow hash. */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Compares in a time that tells nothing about where they differ. */
export const isSame = (digest: string, stored: string): boolean => {
  const [one, other] = [Buffer.from(digest), Buffer.from(stored)]
  return one.length === other.length && timingSafeEqual(one, other)
}

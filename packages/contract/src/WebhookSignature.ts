/**
 * Signatures of webhooks, for who sends and who receives: Standard Webhooks 1.0.0 (`v1` HMAC-SHA-256, `v1a` Ed25519), and
 * the sources' forms. A receiver needs {@link verify} alone.
 *
 * Stricter than the standard's own libraries: a secret has 24 to 64 bytes, a timestamp is digits only, an id holds no dot
 * (it would let one field run into the next).
 */
import type { SignatureForm } from "@baton/kernel/Webhook"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"

/** How far a delivery's timestamp may lie from the receiver's clock, in seconds. */
export const toleranceSeconds = 300
/** Bytes of a symmetric secret. */
export const secretBytesMin = 24
export const secretBytesMax = 64
/** Bytes of an Ed25519 key. */
const ed25519Bytes = 32

const prefixes = { hmac: "whsec_", secretKey: "whsk_", publicKey: "whpk_" } as const
/** RFC 8410: what stands before the 32 bytes of a key in its DER form. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")
const spki = Buffer.from("302a300506032b6570032100", "hex")

export type Headers = { readonly [name: string]: string | ReadonlyArray<string> | undefined }
export type Body = string | Uint8Array

const base64 = (text: string): Buffer | undefined =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, "base64") : undefined

/** The bytes of a `whsec_` secret. */
const hmacKey = (secret: string): Buffer | undefined => {
  const bytes = secret.startsWith(prefixes.hmac) ? base64(secret.slice(prefixes.hmac.length)) : undefined
  return bytes !== undefined && bytes.length >= secretBytesMin && bytes.length <= secretBytesMax ? bytes : undefined
}

/** The private key of a `whsk_` secret: 32 bytes, or 64 of which the second half is the public key. */
const privateKey = (secret: string): Crypto.KeyObject | undefined => {
  const bytes = secret.startsWith(prefixes.secretKey) ? base64(secret.slice(prefixes.secretKey.length)) : undefined
  if (bytes === undefined || (bytes.length !== ed25519Bytes && bytes.length !== 2 * ed25519Bytes)) return undefined
  const key = Buffer.concat([pkcs8, bytes.subarray(0, ed25519Bytes)])
  return Crypto.createPrivateKey({ key, format: "der", type: "pkcs8" })
}

const publicKey = (text: string): Crypto.KeyObject | undefined => {
  const bytes = text.startsWith(prefixes.publicKey) ? base64(text.slice(prefixes.publicKey.length)) : undefined
  if (bytes?.length !== ed25519Bytes) return undefined
  return Crypto.createPublicKey({ key: Buffer.concat([spki, bytes]), format: "der", type: "spki" })
}

/** What receivers of `v1a` are given: `whpk_…` of a `whsk_…`. */
export const publicKeyOf = (secret: Redacted.Redacted<string>): string | undefined => {
  const key = privateKey(Redacted.value(secret))
  if (key === undefined) return undefined
  const der = Crypto.createPublicKey(key).export({ format: "der", type: "spki" })
  return `${prefixes.publicKey}${der.subarray(spki.length).toString("base64")}`
}

/** A fresh secret of a form; `bytes` are 32 random ones. */
export const secretOf = (form: SignatureForm, bytes: Uint8Array): Redacted.Redacted<string> => {
  const prefix = form === "ed25519" ? prefixes.secretKey : form === "standard" ? prefixes.hmac : ""
  return Redacted.make(`${prefix}${Buffer.from(bytes).toString(prefix === "" ? "base64url" : "base64")}`)
}

/** Why a secret cannot be used with a form. */
export const secretProblem = (form: SignatureForm, secret: Redacted.Redacted<string>): string | undefined => {
  const text = Redacted.value(secret)
  if (form === "standard") {
    return hmacKey(text) === undefined ? "must be whsec_ and the base64 of 24 to 64 bytes" : undefined
  }
  if (form === "ed25519") {
    return privateKey(text) === undefined ? "must be whsk_ and the base64 of an Ed25519 key's 32 bytes" : undefined
  }
  return /^[\x21-\x7e]{16,512}$/.test(text)
    ? undefined
    : "must have 16 to 512 printable ASCII characters without spaces"
}

const signed = (id: string, timestamp: string, body: Body): Buffer =>
  Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(body as Uint8Array)])

/** Whether two byte strings are the same, in a time that does not tell where they differ. */
const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Crypto.timingSafeEqual(a, b)

/** The text of one entry of `webhook-signature`; none for a secret that is no secret. */
export const standard = (
  secret: Redacted.Redacted<string>,
  id: string,
  timestamp: number,
  body: Body
): string | undefined => {
  const text = Redacted.value(secret)
  const content = signed(id, String(timestamp), body)
  const hmac = hmacKey(text)
  if (hmac !== undefined) return `v1,${Crypto.createHmac("sha256", hmac).update(content).digest("base64")}`
  const key = privateKey(text)
  return key === undefined ? undefined : `v1a,${Crypto.sign(null, content, key).toString("base64")}`
}

/** `X-A2A-Signature`: HMAC-SHA-256 in hex over the timestamp, a dot, and the exact bytes of the body. */
export const timestamped = (secret: Redacted.Redacted<string>, timestamp: number, body: Body): string =>
  Crypto.createHmac("sha256", Redacted.value(secret)).update(`${timestamp}.`).update(body).digest("hex")

export interface TokenClaims {
  /** Which secret it is signed with. */
  readonly keyId: string
  readonly run: string
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

/** Seconds that a JWT is good for, and how far clocks may be apart. */
const tokenLifetime = 300
const tokenSkew = 120

/** A JWT (RFC 7519, HS256) that holds for one body: `hash` is its SHA-256 in hex. */
export const token = (
  secret: Redacted.Redacted<string>,
  timestamp: number,
  body: Body,
  { audience, issuer, keyId, run }: TokenClaims
): string => {
  const claims = {
    iat: timestamp,
    exp: timestamp + tokenLifetime,
    nbf: timestamp - tokenSkew,
    hash: Crypto.createHash("sha256").update(body).digest("hex"),
    taskId: run,
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience })
  }
  const text = [{ alg: "HS256", typ: "JWT", kid: keyId }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".")
  return `${text}.${Crypto.createHmac("sha256", Redacted.value(secret)).update(text).digest("base64url")}`
}

export type Verification =
  | { readonly valid: true; readonly id: string; readonly timestamp: number }
  | {
    readonly valid: false
    readonly reason: "header_missing" | "id_invalid" | "timestamp_invalid" | "too_old" | "too_new" | "no_match"
  }

const headerOf = (headers: Headers, name: string): string | undefined => {
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) {
      return typeof value === "string"
        ? value
        : value?.length === 1
        ? value[0]
        : undefined
    }
  }
  return undefined
}

const matches = (secret: string, content: Buffer, entries: ReadonlyArray<readonly [string, Buffer]>): boolean => {
  const hmac = hmacKey(secret)
  if (hmac !== undefined) {
    const expected = Crypto.createHmac("sha256", hmac).update(content).digest()
    return entries.filter(([version, bytes]) => version === "v1" && isSame(bytes, expected)).length > 0
  }
  const key = publicKey(secret)
  return key !== undefined &&
    entries.some(([version, bytes]) =>
      version === "v1a" && bytes.length === 64 && Crypto.verify(null, content, key, bytes)
    )
}

/**
 * Whether a delivery is genuine and fresh. `secrets`: `whsec_…`, or `whpk_…` for Ed25519; several while rotating. `body`
 * is what came over the wire, byte for byte; `now` is in seconds since 1970. What has been seen before (`id`) is for the
 * receiver to know: deliveries come at least once.
 */
export const verify = (
  secrets: string | ReadonlyArray<string>,
  headers: Headers,
  body: Body,
  now: number,
  tolerance: number = toleranceSeconds
): Verification => {
  const id = headerOf(headers, "webhook-id")
  const time = headerOf(headers, "webhook-timestamp")
  const signatures = headerOf(headers, "webhook-signature")
  if (id === undefined || time === undefined || signatures === undefined || id === "") {
    return { valid: false, reason: "header_missing" }
  }
  if (id.includes(".")) return { valid: false, reason: "id_invalid" }
  if (!/^\d{1,12}$/.test(time)) return { valid: false, reason: "timestamp_invalid" }
  const timestamp = Number(time)
  if (timestamp < now - tolerance) return { valid: false, reason: "too_old" }
  if (timestamp > now + tolerance) return { valid: false, reason: "too_new" }
  const entries = signatures.split(" ").flatMap((entry): ReadonlyArray<readonly [string, Buffer]> => {
    const [version = "", text = "", ...rest] = entry.split(",")
    const bytes = rest.length === 0 ? base64(text) : undefined
    return bytes === undefined ? [] : [[version, bytes]]
  })
  const content = signed(id, time, body)
  const list = typeof secrets === "string" ? [secrets] : secrets
  return list.some((secret) => matches(secret, content, entries))
    ? { valid: true, id, timestamp }
    : { valid: false, reason: "no_match" }
}

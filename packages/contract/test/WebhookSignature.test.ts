/** Signatures of webhooks against the published vector, the corpus and our own sender. */
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as WebhookSignature from "../src/WebhookSignature.ts"

interface Vector {
  readonly name: string
  readonly secret: string
  readonly headers: { readonly [name: string]: string }
  readonly payload: string
  readonly now: number
  readonly expect: string
}

const vectors: ReadonlyArray<Vector> = readFileSync(
  new URL("../../../test/corpora/webhook.jsonl", import.meta.url),
  "utf8"
).trim().split("\n").map((line) => JSON.parse(line) as Vector)

const now = 1_700_000_000
const body = "{\"name\":\"Zoë\"}"

describe("a receiver", () => {
  it.each(vectors)("tells the genuine from the rest: $name", ({ expect: expected, headers, now, payload, secret }) => {
    expect(WebhookSignature.verify(secret, headers, payload, now).valid).toBe(expected === "valid")
  })

  it("accepts what either of two secrets signed while they rotate, and nobody else's", () => {
    const [old, fresh, strange] = [1, 2, 3].map((byte) =>
      WebhookSignature.secretOf("standard", new Uint8Array(32).fill(byte))
    ) as [Redacted.Redacted<string>, Redacted.Redacted<string>, Redacted.Redacted<string>]
    const signature = [old, fresh].map((secret) => WebhookSignature.standard(secret, "run_1/7", now, body)).join(" ")
    const headers = { "Webhook-Id": "run_1/7", "Webhook-Timestamp": String(now), "Webhook-Signature": signature }
    for (const secret of [old, fresh]) {
      expect(WebhookSignature.verify(Redacted.value(secret), headers, Buffer.from(body), now).valid).toBe(true)
    }
    expect(WebhookSignature.verify(Redacted.value(strange), headers, body, now)).toEqual({
      valid: false,
      reason: "no_match"
    })
    expect(WebhookSignature.verify([Redacted.value(strange), Redacted.value(old)], headers, body, now).valid).toBe(true)
  })

  it("verifies Ed25519 with the public key alone", () => {
    const secret = WebhookSignature.secretOf("ed25519", new Uint8Array(32).fill(7))
    const key = WebhookSignature.publicKeyOf(secret)!
    const signature = WebhookSignature.standard(secret, "run_1/7", now, body)!
    expect(signature).toMatch(/^v1a,/)
    const headers = { "webhook-id": "run_1/7", "webhook-timestamp": String(now), "webhook-signature": signature }
    expect(WebhookSignature.verify(key, headers, body, now).valid).toBe(true)
    expect(WebhookSignature.verify(key, headers, `${body} `, now).valid).toBe(false)
    expect(WebhookSignature.verify(Redacted.value(secret), headers, body, now).valid).toBe(false)
  })

  it("refuses a secret that is too short to be one", () => {
    const short = Redacted.make(`whsec_${Buffer.alloc(23).toString("base64")}`)
    expect(WebhookSignature.secretProblem("standard", short)).toBeDefined()
    expect(WebhookSignature.standard(short, "a", now, body)).toBeUndefined()
  })
})

describe("the sources' forms", () => {
  const secret = WebhookSignature.secretOf("timestamped", new Uint8Array(32).fill(9))

  it("signs the timestamp, a dot and the exact body, in bare hex", () => {
    const expected = Crypto.createHmac("sha256", Redacted.value(secret)).update(`${now}.${body}`).digest("hex")
    expect(WebhookSignature.timestamped(secret, now, body)).toBe(expected)
  })

  it("makes a JWT that holds for one body", () => {
    const text = WebhookSignature.token(secret, now, body, {
      keyId: "k1",
      run: "run_1",
      issuer: "baton",
      audience: "receiver"
    })
    const [head, claims, signature] = text.split(".") as [string, string, string]
    expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({ alg: "HS256", typ: "JWT", kid: "k1" })
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toEqual({
      iat: now,
      exp: now + 300,
      nbf: now - 120,
      hash: Crypto.createHash("sha256").update(body).digest("hex"),
      taskId: "run_1",
      iss: "baton",
      aud: "receiver"
    })
    const expected = Crypto.createHmac("sha256", Redacted.value(secret)).update(`${head}.${claims}`).digest("base64url")
    expect(signature).toBe(expected)
  })
})

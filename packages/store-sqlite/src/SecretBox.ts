/**
 * Sealing of secrets: AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce for each sealing. Tenant, name and hosts
 * are authenticated with the value, so that nobody who can write the file can hand a secret to another host.
 */
import { SecretsError } from "@baton/engine/Secrets"
import * as Redacted from "effect/Redacted"
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import type { SealedRow } from "./SecretTable.ts"

export const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const algorithm = "aes-256-gcm"

export type Key = Redacted.Redacted<Uint8Array>

const label = "baton key"

/** A key as people write it: 64 hex digits, or base64 of 32 bytes. */
export const parseKey = (text: string): Key | undefined => {
  const trimmed = text.trim()
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, "hex") : Buffer.from(trimmed, "base64")
  return bytes.length === keyBytes ? Redacted.make(new Uint8Array(bytes), { label }) : undefined
}

export const randomKey = (): Key => Redacted.make(new Uint8Array(randomBytes(keyBytes)), { label })

const unusable = (message: string): SecretsError => new SecretsError({ reason: "unavailable", message })

const readKey = (file: string): Key | undefined => {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined
    throw unusable(`The key file ${file} cannot be read. Check its permissions.`)
  }
  const key = parseKey(text)
  if (key === undefined) throw unusable(`The key file ${file} holds no key. Restore it from a backup.`)
  return key
}

/**
 * The key in a file that only its owner may read; made on first use. It appears whole or not at all, and of several
 * processes that make it at once all use the same one.
 */
export const openKey = (file: string): Key => {
  const found = readKey(file)
  if (found !== undefined) return found
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`
  try {
    writeFileSync(draft, randomBytes(keyBytes).toString("base64") + "\n", { flag: "wx", mode: 0o600, flush: true })
    chmodSync(draft, 0o600)
    linkSync(draft, file)
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) {
      throw unusable(`The key file ${file} cannot be made. Check the permissions of its folder.`)
    }
  } finally {
    rmSync(draft, { force: true })
  }
  const key = readKey(file)
  if (key === undefined) throw unusable(`The key file ${file} is gone.`)
  return key
}

const bound = (tenant: string, name: string, hosts: string): Uint8Array =>
  Buffer.from(JSON.stringify([tenant, name, hosts]))

export const seal = (
  key: Key,
  tenant: string,
  name: string,
  value: Redacted.Redacted<string>,
  hosts: string
): Pick<SealedRow, "nonce" | "sealed"> => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, Redacted.value(key), nonce, { authTagLength: tagBytes })
  cipher.setAAD(bound(tenant, name, hosts))
  const sealed = Buffer.concat([cipher.update(Redacted.value(value), "utf8"), cipher.final(), cipher.getAuthTag()])
  return { nonce, sealed }
}

/** The value, or nothing when the row was changed or sealed with another key. */
export const unseal = (
  key: Key,
  tenant: string,
  name: string,
  { hosts, nonce, sealed }: SealedRow
): Redacted.Redacted<string> | undefined => {
  if (nonce.length !== nonceBytes || sealed.length < tagBytes) return undefined
  const decipher = createDecipheriv(algorithm, Redacted.value(key), nonce, { authTagLength: tagBytes })
  decipher.setAAD(bound(tenant, name, hosts))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - tagBytes)), decipher.final()])
    return Redacted.make(text.toString("utf8"), { label: name })
  } catch {
    return undefined
  }
}

/** From a file to evidence units, or to the reason why it is skipped. */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { CorpusLimits } from "../ResearchConfig.ts"
import type * as Block from "./Block.ts"
import { decode, headBytes, sniff } from "./DocumentKind.ts"
import { type EvidenceUnit, unitsOf } from "./EvidenceUnit.ts"
import type { SelectedFile } from "./FileSelection.ts"
import { scan } from "./MarkdownScanner.ts"
import type { PackedReader } from "./PackedReader.ts"

export interface ReadableDocument {
  readonly _tag: "Readable"
  readonly hash: string
  readonly title: string
  readonly place: Block.PlaceKind
  readonly units: Iterable<EvidenceUnit>
  readonly note: string | undefined
}
export interface SkippedFile {
  readonly _tag: "Skipped"
  readonly hash: string
  readonly code: "DOCUMENT_UNREADABLE" | "DOCUMENT_TOO_LARGE"
  readonly reason: string
}

/** Bytes read at a time; between two reads other work gets its turn. */
const chunkBytes = 1024 * 1024

const skipped = (reason: string, hash = "", code: SkippedFile["code"] = "DOCUMENT_UNREADABLE"): SkippedFile => ({
  _tag: "Skipped",
  hash,
  code,
  reason
})
const tooLarge = (bytes: number, max: number) =>
  skipped(`it has ${bytes} bytes; at most ${max} are read`, "", "DOCUMENT_TOO_LARGE")

export const read = Effect.fnUntraced(function*(file: SelectedFile, packed: PackedReader) {
  const limits = yield* CorpusLimits
  if (file.bytes > limits.documentBytesMax) return tooLarge(file.bytes, limits.documentBytesMax)
  if (file.bytes === 0) return skipped("it is empty")
  const loaded = yield* load(file, limits.documentBytesMax)
  if (typeof loaded === "string") return skipped(loaded)
  const { bytes, hash } = loaded
  const sniffed = sniff(file.path, bytes.subarray(0, headBytes))
  if ("unreadable" in sniffed) return skipped(sniffed.unreadable, hash)
  const kind = sniffed.kind
  if (kind === "markdown" || kind === "text") return readText(file, bytes, hash, kind === "text")
  const max = kind === "html" ? limits.htmlBytesMax : limits.packedBytesMax
  if (bytes.length > max) return tooLarge(bytes.length, max)
  let plain = bytes
  if (kind === "html") {
    const decoded = decode(bytes)
    if ("unreadable" in decoded) return skipped(decoded.unreadable, hash)
    plain = new TextEncoder().encode(decoded.text)
  }
  const answer = yield* packed.read(kind, plain)
  if (answer._tag === "Failure") return skipped(answer.failure, hash)
  const { blocks, note, place, title } = answer.success
  return readable(hash, title ?? nameOf(file), place, blocks, note)
})

const readText = (file: SelectedFile, bytes: Uint8Array, hash: string, plain: boolean) => {
  const decoded = decode(bytes)
  if ("unreadable" in decoded) return skipped(decoded.unreadable, hash)
  const { blocks, title } = scan(decoded.text, { plain })
  return readable(hash, title ?? nameOf(file), "line", blocks, undefined)
}

const readable = (
  hash: string,
  title: string,
  place: Block.PlaceKind,
  blocks: Iterable<Block.Block>,
  note: string | undefined
): ReadableDocument => ({ _tag: "Readable", hash, title, place, units: unitsOf(blocks), note })

const nameOf = (file: SelectedFile) => file.uri.slice(file.uri.lastIndexOf("/") + 1)

/** The bytes and their hash, or why they cannot be had. A file that grows while it is read is cut at the limit. */
const load = (file: SelectedFile, bytesMax: number) =>
  Effect.acquireUseRelease(
    Effect.tryPromise(() => open(file.path, "r")),
    (handle) =>
      Effect.gen(function*() {
        const hash = createHash("sha256")
        const chunks: Array<Uint8Array> = []
        for (let total = 0;;) {
          const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(chunkBytes, file.bytes - total)))
          const { bytesRead } = yield* Effect.tryPromise(() => handle.read(buffer, 0, buffer.length))
          if (bytesRead === 0) break
          total += bytesRead
          if (total > bytesMax) return "it grew beyond the limit while it was read"
          const chunk = buffer.subarray(0, bytesRead)
          hash.update(chunk)
          chunks.push(chunk)
        }
        const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
        return {
          bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
          hash: `sha256:${hash.digest("hex")}`
        }
      }),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  ).pipe(
    Effect.catch((error) => Effect.succeed(`it cannot be opened (${codeOf(error.cause)})`))
  )

const codeOf = (cause: unknown) =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown error"

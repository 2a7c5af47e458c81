/** The thread behind `PackedReader`: one question, one answer. */
import { parentPort } from "node:worker_threads"
import { type PackedLimits, readPacked, Unreadable } from "./PackedDocument.ts"

parentPort?.on("message", (request: { kind: "html" | "pdf" | "docx"; bytes: Uint8Array; limits: PackedLimits }) => {
  readPacked(request.kind, request.bytes, request.limits).then(
    (answer) => parentPort?.postMessage({ answer }),
    (cause: unknown) =>
      parentPort?.postMessage({ unreadable: cause instanceof Unreadable ? cause.message : "a corrupt file" })
  )
})

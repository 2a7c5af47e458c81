/** The flows that Baton ships, and the documents that research reads when it is given no files. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export interface ShippedFlow {
  readonly name: string
  /** The document as written: the short form, in YAML. */
  readonly text: string
  readonly url: URL
}

const flow = (name: string): ShippedFlow => {
  const url = new URL(`../flows/${name}.yaml`, import.meta.url)
  return { name, url, text: readFileSync(url, "utf8") }
}

export const deepResearch: ShippedFlow = flow("deep-research")

/** One question asked from two sides at once: `POST /api/v1/multi-role/ask-stream` starts it. */
export const multiRole: ShippedFlow = flow("multi-role")

export const flows: ReadonlyArray<ShippedFlow> = [deepResearch, multiRole]

/** Where the shipped documents are, and how reports name that folder. */
export const shippedDocuments = {
  folder: fileURLToPath(new URL("../documents", import.meta.url)),
  label: "baton/documents"
}

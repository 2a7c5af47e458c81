/** What a file is, by its first bytes first and by its name second. */
import { isUtf8 } from "node:buffer"

export type DocumentKind = "markdown" | "text" | "html" | "pdf" | "docx"

/** Bytes that sniffing looks at. */
export const headBytes = 4_096

const byExtension: { readonly [extension: string]: DocumentKind } = {
  md: "markdown",
  markdown: "markdown",
  mdown: "markdown",
  mdx: "markdown",
  txt: "text",
  text: "text",
  rst: "text",
  adoc: "text",
  asciidoc: "text",
  org: "text",
  log: "text",
  html: "html",
  htm: "html",
  xhtml: "html",
  pdf: "pdf",
  docx: "docx"
}

/** Kinds of files that a folder may hold and that are no documents: they are counted, not opened. */
const otherExtensions = new Set(
  ("png jpg jpeg gif webp svg ico bmp tif tiff heic avif mp3 mp4 wav ogg flac mov avi mkv webm zip gz tgz bz2 xz zst 7z rar tar jar " +
    "woff woff2 ttf otf eot exe dll so dylib a o class pyc wasm node bin db sqlite sqlite3 lock map min psd ai sketch fig " +
    "ts tsx js jsx mjs cjs py rb go rs java kt kts scala c h cc cpp hpp cs swift m php pl lua r jl sh bash zsh fish ps1 bat cmd " +
    "sql css scss sass less vue svelte astro json jsonl ndjson yaml yml toml ini cfg conf xml xsd proto graphql gql csv tsv parquet " +
    "pem key crt cer der p12 pfx gpg asc sig env pptx xlsx ppt xls doc odt ods odp epub mobi snap patch diff")
    .split(" ")
)

export const extensionOf = (path: string): string => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  const dot = name.lastIndexOf(".")
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase()
}

/** Whether a file found in a folder is worth opening: a known document, or something without a known other kind. */
export const mayBeDocument = (path: string): boolean => !otherExtensions.has(extensionOf(path))

export type Sniffed = { readonly kind: DocumentKind } | { readonly unreadable: string }

/** Decides by content; the name decides only between kinds of text. `head` is the start of the file. */
export const sniff = (path: string, head: Uint8Array): Sniffed => {
  const extension = extensionOf(path)
  const ascii = Buffer.from(head.subarray(0, 1_024)).toString("latin1")
  if (ascii.slice(0, 1_024).includes("%PDF-")) return { kind: "pdf" }
  if (ascii.startsWith("PK\u0003\u0004")) {
    return extension === "docx" ? { kind: "docx" } : { unreadable: "a ZIP container that is not a DOCX document" }
  }
  if (ascii.startsWith("\u00d0\u00cf\u0011\u00e0")) {
    return {
      unreadable: "an old Office document or an encrypted DOCX; save it as DOCX, PDF or text without a password"
    }
  }
  if (extension === "pdf") return { unreadable: "named .pdf, but it does not start as a PDF does" }
  if (extension === "docx") return { unreadable: "named .docx, but it is not a ZIP container" }
  if (byteOrderMark(head) === undefined && isBinary(head)) return { unreadable: "a binary file" }
  const named = byExtension[extension]
  if (named !== undefined && named !== "text") return { kind: named }
  return /^\s*(?:<!doctype html|<html[\s>])/i.test(ascii) ? { kind: "html" } : { kind: named ?? "text" }
}

const isBinary = (head: Uint8Array): boolean => {
  let control = 0
  for (const byte of head) {
    if (byte === 0) return true
    if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 27) control++
  }
  return head.length > 0 && control / head.length > 0.1
}

const byteOrderMark = (bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined => {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8"
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le"
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be"
  return undefined
}

/** The text of a text file, or why it has none. UTF-8, and UTF-16 with a byte order mark. */
export const decode = (bytes: Uint8Array): { readonly text: string } | { readonly unreadable: string } => {
  const mark = byteOrderMark(bytes)
  if (mark === undefined || mark === "utf-8") {
    if (!isUtf8(bytes)) {
      return { unreadable: "not valid UTF-8, and no byte order mark names another encoding; save it as UTF-8" }
    }
    return { text: new TextDecoder("utf-8").decode(bytes) }
  }
  try {
    return { text: new TextDecoder(mark, { fatal: true }).decode(bytes) }
  } catch {
    return { unreadable: `not valid ${mark.toUpperCase()}, although its byte order mark says so` }
  }
}

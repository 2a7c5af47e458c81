/** Marks and colours of states: shape, word and colour always together (never colour alone). */
export type Tone = "good" | "bad" | "warn" | "busy" | "dim" | "bold"

export type Mark =
  | "pending"
  | "queued"
  | "running"
  | "human"
  | "waiting"
  | "retrying"
  | "succeeded"
  | "warned"
  | "failed"
  | "skipped"
  | "cancelled"

interface Look {
  readonly unicode: string
  readonly ascii: string
  readonly tone: Tone | undefined
}

const looks: { readonly [mark in Mark]: Look } = {
  pending: { unicode: "○", ascii: "[ ]", tone: "dim" },
  queued: { unicode: "◌", ascii: "[.]", tone: "dim" },
  running: { unicode: "◐", ascii: "[>]", tone: "busy" },
  human: { unicode: "✋", ascii: "[?]", tone: "warn" },
  waiting: { unicode: "⧗", ascii: "[z]", tone: "dim" },
  retrying: { unicode: "↻", ascii: "[r]", tone: "warn" },
  succeeded: { unicode: "✓", ascii: "[+]", tone: "good" },
  warned: { unicode: "✓!", ascii: "[~]", tone: "warn" },
  failed: { unicode: "✕", ascii: "[x]", tone: "bad" },
  skipped: { unicode: "⤼", ascii: "[-]", tone: "dim" },
  cancelled: { unicode: "⊘", ascii: "[/]", tone: "dim" }
}

const codes: { readonly [tone in Tone]: string } = {
  good: "32",
  bad: "31",
  warn: "33",
  busy: "36",
  dim: "2",
  bold: "1"
}

export interface Palette {
  readonly unicode: boolean
  readonly mark: (mark: Mark) => { readonly text: string; readonly tone: Tone | undefined }
  readonly paint: (text: string, tone: Tone | undefined) => string
  readonly ellipsis: string
  readonly dot: string
  readonly rule: string
  readonly full: string
  readonly empty: string
}

export const make = (options: { readonly color: boolean; readonly unicode: boolean }): Palette => ({
  unicode: options.unicode,
  mark: (mark) => ({ text: options.unicode ? looks[mark].unicode : looks[mark].ascii, tone: looks[mark].tone }),
  paint: (text, tone) =>
    options.color && tone !== undefined && text !== "" ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text,
  ellipsis: options.unicode ? "…" : "...",
  dot: options.unicode ? "·" : "-",
  rule: options.unicode ? "─" : "-",
  full: options.unicode ? "▓" : "#",
  empty: options.unicode ? "░" : "."
})

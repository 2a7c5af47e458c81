/** One thing that the operator may set: its variable, its key in the file, what it may be, and what it is otherwise. */
import * as DurationText from "@baton/kernel/DurationText"

/** What a value must look like: the words for it, and whether a text does. */
export interface Form {
  readonly words: string
  readonly fits: (text: string) => boolean
}

export interface Setting {
  readonly variable: string
  /** Dotted key in the file; absent: the environment alone sets it. */
  readonly key?: string
  readonly form: Form
  /** In words or as the value. */
  readonly otherwise: string
  /** Never shown, and never read from the file of settings; `<variable>_FILE` may name a file that holds it. */
  readonly secret?: true
  readonly meaning: string
}

const whole = (least: number, most: number) => (text: string): boolean =>
  /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most

/** A whole number between both, these included. */
export const wholeWithin = (least: number, most: number): Form => ({
  words: `a whole number from ${least} to ${most}`,
  fits: whole(least, most)
})

/** A duration between both, these included, as people write them. */
export const durationWithin = (least: string, most: string): Form => {
  const bounds = [least, most].map((text) => DurationText.parse(text) ?? Number.NaN)
  const [from = Number.NaN, to = Number.NaN] = bounds
  return {
    words: `a duration from ${least} to ${most}`,
    fits: (text) => {
      const ms = DurationText.parse(text)
      return ms !== undefined && ms >= from && ms <= to
    }
  }
}

const listOf = (form: Form): Form => ({
  words: `${form.words}; several are separated by commas`,
  fits: (text) => text.split(",").every((part) => form.fits(part.trim()))
})

const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

const is32Bytes = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text) || Buffer.from(text, "base64").length === 32

export const forms = {
  text: { words: "text", fits: () => true },
  path: { words: "a path", fits: () => true },
  names: { words: "names, separated by commas", fits: () => true },
  count: { words: "a whole number, 0 or more", fits: whole(0, Number.MAX_SAFE_INTEGER) },
  positive: { words: "a whole number, 1 or more", fits: whole(1, Number.MAX_SAFE_INTEGER) },
  port: { words: "a port, 0 to 65535", fits: whole(0, 65_535) },
  ports: listOf({ words: "a port, 1 to 65535", fits: whole(1, 65_535) }),
  fraction: { words: "a number from 0 to 1", fits: (text) => /^(0(\.\d+)?|1(\.0+)?)$/.test(text) },
  boolean: { words: "true or false", fits: (text) => /^(true|false|yes|no|on|off|1|0|y|n)$/.test(text) },
  metrics: { words: "admin, public or off", fits: (text) => /^(admin|public|off)$/.test(text) },
  logFormat: { words: "text or json", fits: (text) => /^(text|json)$/.test(text) },
  logLevel: {
    words: "debug, info, warn, error or none",
    fits: (text) => /^(debug|info|warn|error|none)$/i.test(text)
  },
  url: { words: "an http or https URL", fits: isHttp },
  secret: { words: "a secret", fits: () => true },
  sealingKey: { words: "64 hex digits or base64 of 32 bytes", fits: is32Bytes }
} as const satisfies { readonly [name: string]: Form }

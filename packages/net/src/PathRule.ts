/**
 * Paths no call may ask for, whatever the host: reads of a server's file system and the usual doors to secrets. This is
 * the second wall behind the address check, and a coarse one; an operator may change the lists or empty them.
 *
 * Every rule looks at the text as it is and after one, two and three rounds of percent-decoding, so `%252e%252e%252f` is
 * the same to it as `../`.
 */
import * as Schema from "effect/Schema"

/** Rounds of percent-decoding that a rule looks behind. */
export const DECODE_ROUNDS = 3

export const PathRules = Schema.Struct({
  /** Refuse `..` between separators, in the path and in the query, before the URL parser folds it away. */
  traversal: Schema.Boolean,
  /** Refuse `C:\` and `c:/`. */
  drives: Schema.Boolean,
  /** Prefixes refused at the start of the path and of a value in the query. */
  files: Schema.Array(Schema.NonEmptyString),
  /** Prefixes refused at the start of the path. One that ends in a word refuses the whole word only. */
  endpoints: Schema.Array(Schema.NonEmptyString)
})
export type PathRules = typeof PathRules.Type

export const strict: PathRules = {
  traversal: true,
  drives: true,
  files: ["/etc/", "/proc/", "/sys/"],
  endpoints: ["/admin", "/.env", "/api/keys"]
}

/** What is wrong with a path, in words that end the sentence "the URL …"; undefined when nothing is. */
export type PathCheck = (url: URL, written: string) => string | undefined

export const compile = (rules: PathRules): PathCheck => {
  const file = prefixes(rules.files)
  const pathRules = [
    ...(file === undefined ? [] : [new RegExp(`^/?${file}`)]),
    ...(rules.endpoints.length === 0 ? [] : [new RegExp(`^${prefixes(rules.endpoints)}`)])
  ]
  const valueRule = file === undefined ? undefined : new RegExp(`${VALUE_START}(?:file:/{0,2})?${file}`)
  return (url, written) => {
    const text = written.split("#", 1)[0] ?? ""
    if (rules.traversal && rounds(text).some((round) => TRAVERSAL.test(round))) return "climbs out of its directory"
    for (const round of rounds(url.pathname + url.search)) {
      const [path = "", query = ""] = cut(round)
      if (rules.drives && (PATH_DRIVE.test(path) || VALUE_DRIVE.test(query))) return "names a drive"
      const folded = fold(path)
      if (pathRules.some((rule) => rule.test(folded))) return "asks for a path that the policy refuses"
      if (valueRule?.test(query)) return "asks for a path that the policy refuses"
    }
    return undefined
  }
}

const VALUE_START = "(?:^|[=&?;,])"
const TRAVERSAL = /(?:^|[/\\=&?;,])\.\.(?:[/\\?&;,]|$)/
const PATH_DRIVE = /(?:^|\/)[a-z]:[\\/]/
const VALUE_DRIVE = new RegExp(`${VALUE_START}(?:file:/{0,3})?[a-z]:[\\\\/]`)

const prefixes = (list: ReadonlyArray<string>): string | undefined =>
  list.length === 0 ?
    undefined :
    `(?:${
      list.map((prefix) => RegExp.escape(prefix.toLowerCase()) + (/\w$/.test(prefix) ? "(?![\\w-])" : "")).join("|")
    })`

const cut = (text: string): readonly [path: string, query: string] => {
  const at = text.indexOf("?")
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)]
}

const fold = (path: string): string => path.replace(/\\/g, "/").replace(/\/(?:\.?\/)+/g, "/")

/** The text itself, then decoded once, twice, …; shorter when decoding changes nothing any more. */
const rounds = (text: string): ReadonlyArray<string> => {
  const all = [text.toLowerCase()]
  for (let round = 0; round < DECODE_ROUNDS; round++) {
    const last = all[all.length - 1] ?? ""
    const next = decode(last)
    if (next === last) break
    all.push(next)
  }
  return all
}

/** Never fails, and reads the overlong spellings of `.` and `/` that careless servers accept. */
const decode = (text: string): string =>
  text
    .replace(/%c0%ae|%e0%80%ae|%u002e/g, ".")
    .replace(/%c0%af|%e0%80%af|%u2215|%u002f/g, "/")
    .replace(/%c1%9c|%u2216|%u005c/g, "\\")
    .replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)).toLowerCase())

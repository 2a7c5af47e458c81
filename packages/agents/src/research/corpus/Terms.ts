/** Words and their stems, cut the same way for the index, for questions and for comparing sentences. */
import { stemmer } from "stemmer"

const wordPattern = /[\p{L}\p{N}\p{M}]+/gu
const unspaced = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Khmer}\p{sc=Lao}\p{sc=Myanmar}]/u
const wordSegmenter = new Intl.Segmenter("en", { granularity: "word" })

/** Stems remembered; the memory is emptied when it is full. */
const stemsMax = 100_000
const stems = new Map<string, string>()

/** The Porter stem of a lower-case word; words with digits or outside the Latin alphabet stay as they are. */
export const stem = (word: string): string => {
  const known = stems.get(word)
  if (known !== undefined) return known
  const made = /^[a-z]+$/.test(word) ? stemmer(word) : word
  if (stems.size >= stemsMax) stems.clear()
  stems.set(word, made)
  return made
}

/** Lower-case words without accents; words of scripts without spaces are separated, `camelCase` also yields its parts. */
export const words = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const word of text.match(wordPattern) ?? []) {
    if (unspaced.test(word)) {
      for (const part of wordSegmenter.segment(word)) if (part.isWordLike === true) found.push(fold(part.segment))
      continue
    }
    found.push(fold(word))
    if (/\p{Ll}\p{Lu}/u.test(word)) found.push(...word.split(/(?<=\p{Ll})(?=\p{Lu})/u).map(fold))
  }
  return found
}

const fold = (word: string) => {
  const lower = word.toLowerCase()
  return !/[^ -~]/.test(lower) ? lower : lower.normalize("NFD").replace(/\p{M}/gu, "")
}

/** What the index's own tokenizer would cut or fold in another way than `words`. */
const cutByUs = /[^\p{sc=Latin}\p{sc=Common}]|\p{Ll}\p{Lu}/u

/** What is put into the full-text index: text that its tokenizer cuts as `words` does, or the words themselves. */
export const indexed = (text: string): string => cutByUs.test(text) ? words(text).join(" ") : text

/** Function words, and what a question says without meaning it. */
const stopWords = new Set(
  ("a about above after again against all also always am among an and another any anyone anything are aren around as at away back be " +
    "became because become been before being below between both but by came can cannot come could did didn do does doesn doing don done " +
    "down during each either else enough etc even ever every everything few for from further get gets getting give given go goes going got " +
    "had has hasn have haven having he her here hers herself him himself his how however i if in instead into is isn it its itself just let " +
    "like ll made make makes making many may me might mine more most much must my myself need needs neither no none nor not nothing now of " +
    "off often on once one only onto or other others our ours ourselves out over own per perhaps please put quite rather re really s said " +
    "same say says see seem several shall she should shouldn since so some someone something still such t take taken takes than that the " +
    "their theirs them themselves then there these they thing things this those though through thus to together too toward under until up " +
    "upon us use used uses using ve very via want wants was wasn way we well were weren what whatever when where whether which while who " +
    "whom whose why will with within without won would wouldn yes yet you your yours yourself yourselves " +
    "explain describe tell mean means happen happens").split(" ")
)

/** Words that carry little of what is asked; they count, but only in part. */
const faintWords = new Set(
  ("avoid prevent handle ensure help keep work works working good best better right different difference differences important " +
    "example examples kind kinds type types part parts role reason reasons purpose possible actually exactly usually main new old first " +
    "last long able compare compared choose know known understand find look think try set start end change changes without does cause " +
    "problem problems thing way ways common recommended typical practice practices").split(" ")
)

export const isStopWord = (word: string): boolean => stopWords.has(word) || (word.length === 1 && /[a-z]/.test(word))
export const isFaintWord = (word: string): boolean => faintWords.has(word)

/** Stems of the words that carry meaning. */
export const terms = (text: string): ReadonlyArray<string> =>
  words(text).flatMap((word) => isStopWord(word) ? [] : [stem(word)])

/** Forms of one word that stemming does not bring together. */
const forms = [
  "lose lost loss losing",
  "send sent",
  "begin began begun",
  "choose chose chosen choice",
  "write wrote written",
  "run ran",
  "build built",
  "buy bought",
  "speak spoke spoken",
  "break broke broken",
  "pay paid",
  "spend spent",
  "hold held",
  "keep kept",
  "tell told",
  "find found",
  "die dead death dying",
  "idempotent idempotency",
  "approve approval",
  "valid validate validation",
  "analyse analysis analyze"
].map((family) => family.split(" "))

/** Words that stand for each other in questions about software and its operation. */
const families = [
  "pay paid cost price charge money bill spend spent budget expense usd",
  "twice duplicate double repeat again twofold",
  "retry attempt retried redeliver redelivery",
  "crash kill die fail failure broken outage dead death",
  "approve approval consent permission decide decision reviewer human person operator",
  "reject refuse deny decline refusal",
  "cancel abort interrupt stop",
  "limit cap bound maximum ceiling quota",
  "secret credential password token key",
  "delete remove erase purge",
  "durable persistent survive durability",
  "attacker attack hostile malicious exploit adversary",
  "parallel concurrent simultaneous concurrency side",
  "join gather merge aggregate combine collect",
  "wait pause suspend park block",
  "resume continue restart recover recovery",
  "verify check validate validation verification",
  "log journal record history",
  "timeout deadline expire expiry",
  "fast speed quick latency performance slow",
  "test evaluate evaluation measure benchmark eval assess",
  "url address host link",
  "schema structure structured shape format",
  "model llm",
  "split decompose divide break",
  "safe secure security protect protection defend defence defense",
  "leak exfiltrate exfiltration disclose expose",
  "trick inject injection manipulate fool deceive",
  "undo revert inverse rollback",
  "internal private intranet",
  "write save store persist commit"
].map((family) => family.split(" "))

export interface Relative {
  readonly word: string
  readonly term: string
  /** What finding it instead of the word itself is worth, 0 to 1. */
  readonly share: number
}

const formShare = 0.9
const synonymShare = 0.5

const relativesOf = new Map<string, ReadonlyArray<Relative>>()
for (const [list, share] of [[forms, formShare], [families, synonymShare]] as const) {
  for (const family of list) {
    for (const word of family) {
      const known = relativesOf.get(stem(word)) ?? []
      const others = family.map((other): Relative => ({ word: other, term: stem(other), share })).filter(({ term }) =>
        term !== stem(word) && known.every((relative) => relative.term !== term)
      )
      relativesOf.set(stem(word), [...known, ...others])
    }
  }
}

/** Relatives of a stem, without itself. */
export const relatives = (term: string): ReadonlyArray<Relative> => relativesOf.get(term) ?? []

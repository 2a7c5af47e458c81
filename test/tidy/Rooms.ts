/**
 * Who may import whom. npm hoists every package to one folder, so nothing but this table keeps the walls up.
 *
 * `rooms` names the rooms below; `external` the packages from outside. `node:*` stands for every built-in module of Node.
 */
export interface Room {
  readonly rooms: ReadonlyArray<string>
  readonly external: ReadonlyArray<string>
}

/** Effect modules that hold data and pure functions only: all that the kernel may use, so that a browser can run it. */
export const pureEffectModules: ReadonlyArray<string> = [
  "Array",
  "BigDecimal",
  "BigInt",
  "Boolean",
  "Brand",
  "Chunk",
  "Combiner",
  "Data",
  // Reads and writes dates; what asks for the present is an Effect, which the kernel cannot run.
  "DateTime",
  "Duration",
  "Equal",
  "Equivalence",
  "Function",
  "Graph",
  "Hash",
  "HashMap",
  "HashSet",
  "Iterable",
  "JsonPatch",
  "JsonPointer",
  "JsonSchema",
  "Match",
  "MutableHashMap",
  "MutableHashSet",
  "MutableList",
  "Newtype",
  "NonEmptyIterable",
  "Number",
  "Optic",
  "Option",
  "Order",
  "Ordering",
  "Pipeable",
  "Predicate",
  "Record",
  "Reducer",
  "RegExp",
  "Result",
  "Schema",
  "SchemaAST",
  "SchemaGetter",
  "SchemaIssue",
  "SchemaParser",
  "SchemaRepresentation",
  "SchemaTransformation",
  "SemVer",
  "SemVerRange",
  "String",
  "Struct",
  "Symbol",
  "TextDiff",
  "Trie",
  "Tuple",
  "Types",
  "UndefinedOr"
]

const kernel = ["kernel"]
const ports = ["kernel", "engine"]
const floorThree = ["steps", "agents", "net", "store-sqlite", "recipes"]

export const rooms: { readonly [room: string]: Room } = {
  kernel: {
    rooms: [],
    external: [
      ...pureEffectModules.map((name) => `effect/${name}`),
      "@marcbachmann/cel-js",
      "@noble/hashes/sha2.js",
      "@noble/hashes/utils.js",
      "fastest-levenshtein",
      "yaml"
    ]
  },
  // Receivers of webhooks verify signatures, which no module of effect computes at once.
  contract: { rooms: kernel, external: ["effect", "node:crypto"] },
  engine: { rooms: kernel, external: ["effect", "node:crypto"] },
  steps: { rooms: ports, external: ["effect", "node:*"] },
  agents: {
    rooms: ports,
    external: [
      "effect",
      "node:*",
      "@ai-sdk/anthropic",
      "@ai-sdk/google",
      "@ai-sdk/openai",
      "@ai-sdk/provider",
      "defuddle",
      "fastest-levenshtein",
      "linkedom",
      "mammoth",
      "stemmer",
      "unpdf"
    ]
  },
  net: { rooms: ports, external: ["effect", "node:*", "undici"] },
  "store-sqlite": { rooms: ports, external: ["effect", "node:*"] },
  recipes: { rooms: [...ports, "agents"], external: ["effect", "node:*"] },
  server: {
    rooms: [...ports, "contract", ...floorThree],
    external: ["effect", "node:*", "@effect/platform-node", "jose"]
  },
  cli: {
    rooms: ["kernel", "contract", "server"],
    external: ["effect", "node:*", "@effect/platform-node"]
  }
}

/** Rooms that stand where the program meets the machine: their drivers need real time, real entropy and real sockets. */
export const machineRooms: ReadonlyArray<string> = ["net", "store-sqlite"]

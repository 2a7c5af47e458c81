/** Constructs that make a run depend on something a test cannot hold, each with what to write instead. */
import { type Finding, isShipped, roomOf, type SourceFile } from "./Finding.ts"
import { machineRooms } from "./Rooms.ts"
import * as Syntax from "./Syntax.ts"

interface Ban {
  readonly rule: string
  readonly instead: string
  /** Calls of these names, `new` of these names, or any use of a member of them. */
  readonly calls?: ReadonlyArray<string>
  readonly news?: ReadonlyArray<string>
  readonly mentions?: ReadonlyArray<string>
  /** Rooms where the ban does not hold. */
  readonly except?: ReadonlyArray<string>
  /** Rooms where it holds; absent: all. */
  readonly only?: ReadonlyArray<string>
}

const bans: ReadonlyArray<Ban> = [
  {
    rule: "time",
    instead: "Clock or DateTime, so that a test clock rules it; in the kernel, the time in the command",
    calls: ["Date.now", "Date"],
    news: ["Date"],
    except: machineRooms
  },
  {
    rule: "chance",
    instead: "effect/Random or the crypto service, so that a seed rules it; in the kernel, a hash",
    calls: ["Math.random", "randomUUID", "crypto.randomUUID", "Crypto.randomUUID", "globalThis.crypto.randomUUID"],
    except: machineRooms
  },
  {
    rule: "timer",
    instead: "Effect.sleep, Effect.repeat or a Schedule; what must outlive the process is a timer row",
    calls: ["setTimeout", "setInterval", "setImmediate", "globalThis.setTimeout", "globalThis.setInterval"],
    except: machineRooms
  },
  { rule: "environment", instead: "Config, read in a layer", mentions: ["process.env"], except: machineRooms },
  { rule: "console", instead: "Effect.log, or the Console service", mentions: ["console"], except: machineRooms },
  {
    rule: "eval",
    instead: "data, or an expression of the flow language",
    calls: ["eval", "Function"],
    news: ["Function"]
  },
  {
    rule: "fetch",
    instead: "the HttpDialer port, which knows what a flow may reach",
    calls: ["fetch", "globalThis.fetch", "window.fetch"]
  },
  {
    rule: "pure",
    instead: "a value in the command: the kernel runs in a browser as well and asks nobody",
    mentions: ["process", "performance", "Buffer", "globalThis", "window", "crypto"],
    only: ["kernel"]
  }
]

const applies = (ban: Ban, room: string): boolean =>
  ban.only === undefined ? ban.except?.includes(room) !== true : ban.only.includes(room)

/** Names that the file itself declares or imports: a local `fetch` is not the global one. */
const ownNames = (tree: Syntax.Tree): ReadonlySet<string> => {
  const names = new Set<string>()
  const add = (node: unknown) => {
    const name = Syntax.nameOf(node)
    if (name !== undefined) names.add(name)
  }
  Syntax.walk(tree.program, (node) => {
    if (/^(Import(Default|Namespace)?Specifier)$/.test(node.type)) add(node["local"])
    if (node.type === "VariableDeclarator" || node.type === "FunctionDeclaration") add(node["id"])
    if (/Function/.test(node.type) && Array.isArray(node["params"])) { for (const param of node["params"]) add(param) }
    if (node.type === "ObjectPattern" && Array.isArray(node["properties"])) {
      for (const property of node["properties"]) add((property as Syntax.AstNode)["value"])
    }
  })
  return names
}

const escapes = (tree: Syntax.Tree): ReadonlyArray<{ readonly line: number; readonly message: string }> => {
  const found: Array<{ line: number; message: string }> = []
  for (const { start, value } of tree.comments) {
    if (/@ts-(ignore|nocheck|expect-error)/.test(value)) {
      found.push({ line: tree.lineAt(start), message: "a suppressed type error: use a type that is true" })
    }
  }
  Syntax.walk(tree.program, (node) => {
    const type = node["typeAnnotation"] as Syntax.AstNode | undefined
    if ((node.type === "TSAsExpression" || node.type === "TSTypeAssertion") && type?.type === "TSAnyKeyword") {
      found.push({ line: tree.lineAt(node.start), message: "`as any`: use a Schema, or a type that is true" })
    }
  })
  return found
}

export const bannedConstructs = (file: SourceFile): ReadonlyArray<Finding> => {
  const room = roomOf(file.path)
  // The launcher in `bin` hands over to the pinned Node before anything of Effect is loaded.
  if (room === undefined || !isShipped(file.path) || file.path.startsWith(`packages/${room}/bin/`)) return []
  const tree = Syntax.parse(file)
  const own = ownNames(tree)
  const found: Array<Finding> = []
  const report = (rule: string, node: Syntax.AstNode, message: string) =>
    found.push({ rule, path: file.path, line: tree.lineAt(node.start), message })
  const held = bans.filter((ban) => applies(ban, room))
  const isGlobal = (name: string) => !own.has(name.split(".")[0] ?? name) || name.endsWith("randomUUID")
  Syntax.walk(tree.program, (node) => {
    const callee = node.type === "CallExpression" || node.type === "NewExpression"
      ? Syntax.nameOf(node["callee"])
      : undefined
    const object = node.type === "MemberExpression" ? Syntax.nameOf(node["object"]) : undefined
    const member = node.type === "MemberExpression" ? Syntax.nameOf(node) : undefined
    for (const { calls, instead, mentions, news, rule } of held) {
      const names = node.type === "NewExpression" ? news : calls
      if (callee !== undefined && isGlobal(callee) && names?.includes(callee) === true) {
        report(rule, node, `${node.type === "NewExpression" ? "new " : ""}${callee}(): use ${instead}`)
      }
      const mentioned = mentions?.find((name) => name.includes(".") ? name === member : name === object)
      if (mentioned !== undefined && isGlobal(mentioned)) report(rule, node, `${mentioned}: use ${instead}`)
    }
    if (node.type === "ImportExpression") {
      report("dynamic-import", node, "import(): use a static import, or say in tidy/Exceptions.ts why it must be late")
    }
  })
  for (const { line, message } of escapes(tree)) found.push({ rule: "escape", path: file.path, line, message })
  return found
}

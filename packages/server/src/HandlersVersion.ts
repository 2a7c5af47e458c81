/**
 * The version of a handlers module that states none: a hash of its text and of the texts it imports by relative path, so
 * that an edit voids the receipts of its functions. What comes from packages is not followed; a module whose behaviour
 * depends on more exports a `version` of its own.
 */
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { dirname, relative, resolve } from "node:path"

/** Files that one module may consist of; a larger one has no version unless it states it. */
export const filesMax = 500

const imports = /(?:from|import|require)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g

/** `undefined` when a file cannot be read, or there are too many. */
export const of = (file: string): Effect.Effect<string | undefined> =>
  Effect.sync(() => {
    const root = dirname(resolve(file))
    const texts = new Map<string, string>()
    const left = [resolve(file)]
    try {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        if (texts.has(next)) continue
        if (texts.size === filesMax) return undefined
        const text = readFileSync(next, "utf8")
        texts.set(next, text)
        for (const [, path] of text.matchAll(imports)) if (path !== undefined) left.push(resolve(dirname(next), path))
      }
    } catch {
      return undefined
    }
    const parts = [...texts].map(([path, text]) => [relative(root, path), text]).sort(([a = ""], [b = ""]) =>
      a < b ? -1 : 1
    )
    return CanonicalJson.address(CanonicalJson.text(parts))
  })

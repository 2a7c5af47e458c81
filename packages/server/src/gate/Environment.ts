/** The variables of the environment, as far as they are ours, whichever provider they come from. */
import type * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

export type Variables = ReadonlyMap<string, string>

/** Parts of a name (`A_B_C` has three) that are looked into. */
const partsMax = 24
/** Elements of a numbered group (`A_0`, `A_1`, …) that are looked at. */
const numberedMax = 100

/** Every variable below a path, with its value. */
const below = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<readonly [name: string, value: string]>, ConfigProvider.SourceError> =>
  Effect.gen(function*() {
    const node = yield* provider.load(path)
    if (node === undefined) return []
    const own = node.value === undefined ? [] : [[path.join("_"), node.value] as const]
    if (node._tag === "Value" || path.length === partsMax) return own
    const parts = node._tag === "Record"
      ? [...node.keys]
      : Array.from({ length: Math.min(node.length, numberedMax) }, (_, index) => String(index))
    const nested = yield* Effect.forEach(parts, (part) => below(provider, [...path, part]))
    return [...own, ...nested.flat()]
  })

/** All that begins with `BATON_`, and these others with their `_FILE`. Empty text stands for nothing. */
export const read = (
  provider: ConfigProvider.ConfigProvider,
  names: ReadonlyArray<string>
): Effect.Effect<Variables> =>
  Effect.gen(function*() {
    const found = new Map(yield* below(provider, ["BATON"]))
    for (const name of names.filter((name) => !name.startsWith("BATON_")).flatMap((name) => [name, `${name}_FILE`])) {
      const value = (yield* provider.load([name]))?.value
      if (value !== undefined) found.set(name, value)
    }
    return found
  }).pipe(Effect.orDie)

/** All deliberate breaks, at least one of each promise. */
import { childMutations } from "./ChildMutations.ts"
import { effectMutations } from "./EffectMutations.ts"
import { kernelMutations } from "./KernelMutations.ts"
import { machineMutations } from "./MachineMutations.ts"
import type { Mutation } from "./Mutation.ts"

export const mutations: ReadonlyArray<Mutation> = [
  ...kernelMutations,
  ...childMutations,
  ...machineMutations,
  ...effectMutations
]

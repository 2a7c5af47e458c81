/** All deliberate breaks, at least two of each promise. */
import { childMutations } from "./ChildMutations.ts"
import { effectMutations } from "./EffectMutations.ts"
import { kernelMutations } from "./KernelMutations.ts"
import { machineMutations } from "./MachineMutations.ts"
import { modelMutations } from "./ModelMutations.ts"
import type { Mutation } from "./Mutation.ts"
import { placeMutations } from "./PlaceMutations.ts"

export const mutations: ReadonlyArray<Mutation> = [
  ...kernelMutations,
  ...childMutations,
  ...machineMutations,
  ...placeMutations,
  ...effectMutations,
  ...modelMutations
]

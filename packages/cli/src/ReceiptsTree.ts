/** `baton receipts`: results that are used again. */
import * as Command from "effect/cli/Command"
import * as Option from "effect/Option"
import { leaf } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

const { text } = GlobalFlags
const orUndefined = Option.getOrUndefined

export interface ReceiptsStats {
  readonly _tag: "ReceiptsStats"
}

export interface ReceiptsClear {
  readonly _tag: "ReceiptsClear"
  readonly flow: string | undefined
  readonly node: string | undefined
}

export const receipts = Command.make("receipts").pipe(
  Command.withDescription("Results of steps that are used again instead of running the step"),
  Command.withSubcommands([
    leaf("stats", "What is kept, and how often it served, by node", {}, [
      ["baton receipts stats", "hits and misses of every node that asks for receipts"]
    ], () => ({ _tag: "ReceiptsStats" })),
    leaf("clear", "Forget receipts: the steps run again", {
      flow: text("flow", "NAME", "Those of this flow only"),
      node: text("node", "ID", "Those of nodes with this id only")
    }, [
      ["baton receipts clear --flow brief --node fetch", "of one node"],
      ["baton receipts clear", "all; asks first"]
    ], (input) => ({ _tag: "ReceiptsClear", flow: orUndefined(input.flow), node: orUndefined(input.node) }))
  ])
)

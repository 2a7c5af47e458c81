/** The commands below `baton approvals`. */
import type { DoorKind } from "@baton/kernel/Doors"
import { doorKinds } from "@baton/kernel/Doors"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { inputFlag, leaf, setFlag } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

const { text, texts, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const target = {
  target: Argument.String("approval").pipe(
    Argument.withDescription("An approval's id or a unique prefix of one, or a run that waits for one decision")
  ),
  step: Argument.String("step").pipe(Argument.withDescription("With a run: the step's path"), Argument.optional)
}

const list = leaf(
  "list",
  "List what waits for people, oldest first",
  {
    kind: Flag.Literals("kind", doorKinds).pipe(
      Flag.withDescription("Only these; may be repeated"),
      Flag.atLeast(0),
      Flag.withDefault<ReadonlyArray<DoorKind>>([])
    ),
    run: text("run", "RUN", "Only those of this run"),
    all: toggle("all", "Those that are over too"),
    after: text("after", "ID", "The page after this one"),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Per page, 1 to 1000"), Flag.withDefault(50))
  },
  [
    ["baton approvals list", "everything that needs a person, over all runs"],
    ["baton approvals list --kind approval --json | jq -r '.approvals[].id'", "ids only"],
    ["baton approvals list --run @last --all", "what the newest run asked"]
  ],
  (input) => ({
    _tag: "ApprovalsList",
    ...input,
    run: orUndefined(input.run),
    after: orUndefined(input.after)
  })
)

const show = leaf("show", "Show what is asked: question, input, form, who may decide, and the decision", target, [
  ["baton approvals show apr_01K8", "a unique prefix is enough"],
  ["baton approvals show @last review --json", "a step of the newest run"]
], (input) => ({ _tag: "ApprovalsShow", ...input, step: orUndefined(input.step) }))

const identity = {
  as: text("as", "NAME", "Who decides (default local)"),
  group: texts("group", "NAME", "A group this person is in"),
  hash: text("hash", "HASH", "Refuse when what is asked is no longer what was seen (see show)")
}
const comment = text("comment", "TEXT", "Why; kept in the journal").pipe(Flag.withAlias("m"))
const modify = text("modify", "JSON", "A JSON Merge Patch on the step's input")
const option = text("option", "NAME", "Decide by one of the options")

const none = { option: undefined, comment: undefined, set: [], input: undefined, modify: undefined, text: undefined }

const approve = leaf(
  "approve",
  "Approve; behind a step's answer: let it go on",
  { ...target, option, comment, set: setFlag, input: inputFlag, modify, ...identity },
  [
    ["baton approvals approve @last", "the one decision the newest run waits for"],
    ["baton approvals approve apr_01K8 --as ana --group editors -m \"fine\"", "as a member of a group"],
    ["baton approvals approve @last review -i title=Final", "with the form filled in"],
    ["baton approvals approve @last review --modify '{\"text\":\"shorter\"}'", "with a changed input"]
  ],
  (input) => ({
    _tag: "ApprovalsDecide",
    ...none,
    verb: "approve",
    target: input.target,
    step: orUndefined(input.step),
    option: orUndefined(input.option),
    comment: orUndefined(input.comment),
    set: input.set,
    input: orUndefined(input.input),
    modify: orUndefined(input.modify),
    as: orUndefined(input.as),
    group: input.group,
    hash: orUndefined(input.hash)
  })
)

const reject = leaf(
  "reject",
  "Reject, with a reason; behind a step's answer: fail the step",
  { ...target, comment, ...identity },
  [["baton approvals reject @last -m \"wrong numbers\"", "a rejection says why"]],
  (input) => ({
    _tag: "ApprovalsDecide",
    ...none,
    verb: "reject",
    target: input.target,
    step: orUndefined(input.step),
    comment: orUndefined(input.comment),
    as: orUndefined(input.as),
    group: input.group,
    hash: orUndefined(input.hash)
  })
)

const retry = leaf(
  "retry",
  "Send a step back for another attempt, behind its answer or instead of one to its question",
  { ...target, comment, modify, ...identity },
  [["baton approvals retry @last draft --modify '{\"tone\":\"formal\"}'", "with a changed input"]],
  (input) => ({
    _tag: "ApprovalsDecide",
    ...none,
    verb: "retry",
    target: input.target,
    step: orUndefined(input.step),
    comment: orUndefined(input.comment),
    modify: orUndefined(input.modify),
    as: orUndefined(input.as),
    group: input.group,
    hash: orUndefined(input.hash)
  })
)

const answer = leaf(
  "answer",
  "Answer a question that an agent or a function has asked",
  { ...target, text: text("text", "TEXT", "The answer in words"), option, set: setFlag, input: inputFlag, ...identity },
  [
    ["baton approvals answer @last --text \"the second one\"", "in words"],
    ["baton approvals answer apr_01K8 --option blue", "one of the choices"],
    ["baton approvals answer @last plan -i budget=100", "as the form asks"]
  ],
  (input) => ({
    _tag: "ApprovalsDecide",
    ...none,
    verb: "answer",
    target: input.target,
    step: orUndefined(input.step),
    option: orUndefined(input.option),
    set: input.set,
    input: orUndefined(input.input),
    text: orUndefined(input.text),
    as: orUndefined(input.as),
    group: input.group,
    hash: orUndefined(input.hash)
  })
)

const link = leaf(
  "link",
  "Make a link by which somebody without a key decides this once, in your name",
  {
    ...target,
    expires: GlobalFlags.duration("expires", "It ends after this long, at most 30d (default 24h)").pipe(Flag.optional),
    as: text("as", "NAME", "In whose name (default local)"),
    group: texts("group", "NAME", "A group this person is in")
  },
  [["baton approvals link @last review --expires 2h", "whoever opens it may decide, once"]],
  (input) => ({
    _tag: "ApprovalsLink",
    target: input.target,
    step: orUndefined(input.step),
    expires: orUndefined(input.expires),
    as: orUndefined(input.as),
    group: input.group
  })
)

export const approvals = Command.make("approvals").pipe(
  Command.withDescription("See what waits for people, and decide it"),
  Command.withSubcommands([list, show, approve, reject, retry, answer, link])
)

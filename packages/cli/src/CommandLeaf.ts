/** One command at the end of the tree, and the flags that several of them share. Its handler only says what was asked. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Failure from "./Failure.ts"
import * as GlobalFlags from "./GlobalFlags.ts"
import type { Globals, Request } from "./Invocation.ts"

/** Takes what was asked for. */
export class Sink extends Context.Service<Sink, {
  readonly accept: (request: Request, globals: Globals | Failure.Failure) => void
}>()("baton/cli/Sink") {}

export const leaf = <const Name extends string, const Config extends Command.Command.Config>(
  name: Name,
  description: string,
  config: Config,
  examples: ReadonlyArray<readonly [command: string, description: string]>,
  request: (input: Command.Command.Config.Infer<Config>) => Request
) =>
  Command.make(name, config, (input: Command.Command.Config.Infer<Config>) =>
    Effect.gen(function*() {
      const globals = yield* GlobalFlags.root
      const sink = yield* Sink
      sink.accept(request(input), GlobalFlags.resolve(globals))
    })).pipe(
      Command.withDescription(description),
      Command.withExamples(examples.map(([command, description]) => ({ command, description })))
    )

export const runArgument = Argument.String("run").pipe(
  Argument.withDescription("A run id, a unique prefix of one, or @last")
)
export const waiting = {
  strict: GlobalFlags.toggle("strict", "Warnings count: exit 10 when the run ends with some"),
  waitTimeout: GlobalFlags.duration("wait-timeout", "Stop waiting after this long (exit 6)").pipe(Flag.optional)
}
export const setFlag = GlobalFlags.texts(
  "set",
  "KEY=VALUE",
  "One field of the input; JSON where it parses as such, else text"
).pipe(
  Flag.withAlias("i")
)
export const inputFlag = GlobalFlags.text("input", "FILE|-", "The whole input as JSON, from a file or stdin")
export const handlersFlag = GlobalFlags.text("handlers", "FILE", "Module whose exports are the flow's functions")

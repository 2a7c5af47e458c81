/** Pass of the compiler about the flows that a flow calls: how they are named, and those written in place (SEMANTICS 8.7e). */
import * as Child from "./Child.ts"
import { type Draft, type Fields, isFields, own, quote } from "./CompileShape.ts"
import type { Problem, Report } from "./Problem.ts"
import { idPattern } from "./StepPath.ts"
import type { Json } from "./Value.ts"

export interface Reference {
  readonly name: string
  readonly version: string | undefined
}

/** `name` or `name@version`; `undefined` when the text is neither. */
export const reference = (text: string): Reference | undefined => {
  const at = text.indexOf("@")
  const name = at === -1 ? text : text.slice(0, at)
  const version = at === -1 ? undefined : text.slice(at + 1)
  return idPattern.test(name) && version !== "" ? { name, version } : undefined
}

interface Caller {
  readonly pointer: string
  readonly flow: Json
}

const callersOf = (draft: Draft): ReadonlyArray<Caller> =>
  draft.nodes.flatMap(({ body, fields, pointer, type }): ReadonlyArray<Caller> => {
    const [source, where]: readonly [Fields, string] = body === undefined
      ? [fields, pointer]
      : [body.fields, body.pointer]
    const flow = own(source, "flow")
    return (body?.type ?? type) === "flow" && flow !== undefined ? [{ pointer: `${where}/flow`, flow }] : []
  })

const checkName = (text: string, pointer: string, head: Fields, report: Report): void => {
  if (text.includes("${")) return
  const named = reference(text)
  if (named === undefined) {
    return report.add("WRONG_TYPE", pointer, `${quote(text)} names no flow.`, { expected: "name or name@version" })
  }
  if (named.name !== own(head, "name")) return
  if (named.version !== undefined && named.version !== own(head, "version")) return
  report.add("FLOW_CALLS_ITSELF", pointer, `The flow calls itself: ${named.name} → ${named.name}.`)
}

/** `inside` gives the problems of a flow that is written in place, under pointers of its own. */
export const check = (draft: Draft, report: Report, inside: (flow: Json) => ReadonlyArray<Problem>): void => {
  for (const { flow, pointer } of callersOf(draft)) {
    if (typeof flow === "string") checkName(flow, pointer, draft.head, report)
    else if (isFields(flow) && !Child.isCall(flow)) {
      for (const problem of inside(flow)) {
        const code = problem.code as Parameters<Report["add"]>[0]
        report.add(code, pointer + problem.pointer, problem.message, problem)
      }
    }
  }
}

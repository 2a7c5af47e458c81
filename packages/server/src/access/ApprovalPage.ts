/** What a link shows: the question with its facts, as the server knows them, and the decisions that can be made. */
import type { ApprovalDocument } from "@baton/contract/ApprovalsClient"
import * as ApprovalForm from "./ApprovalForm.ts"
import { escape, visible } from "./Page.ts"

/** Characters of one value that are shown; the rest is counted. */
const valueLengthMax = 20_000

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
  h1 { font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem }
  dt { font-weight: 600 } dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
  dt.wide, dd.wide { grid-column: 1 / -1 } dt.wide { margin-top: .75rem }
  @media (max-width: 30rem) { dl { display: block } dt { margin-top: .75rem } }
  pre { margin: 0; overflow: auto; max-height: 24rem; padding: .75rem; border: 1px solid light-dark(#767676, #8c8c8c); border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere }
  summary { cursor: pointer }
  .hidden { border: 1px solid; border-radius: .2rem; color: light-dark(#b3261e, #ff9c94); font-size: .8em; padding: 0 .2em }
  .problem { border: 2px solid light-dark(#b3261e, #ff9c94); border-radius: .4rem; padding: .5rem .75rem; overflow-wrap: anywhere }
  label { display: block; font-weight: 600 }
  .hint { display: block; color: light-dark(#555, #b5b5b5); font-size: .9rem }
  .check label, .check .hint { display: inline; font-weight: 400 }
  textarea, input[type=text], input[type=number], select { box-sizing: border-box; width: 100%; padding: .4rem; font: inherit }
  textarea { min-height: 4.5rem } input[type=number], select { max-width: 20rem }
  button { font: inherit; margin: .5rem .5rem 0 0; min-height: 2.75rem; padding: .4rem 1.25rem }
  :focus-visible { outline: 3px solid light-dark(#0b57d0, #a8c7fa); outline-offset: 2px }
  footer { color: light-dark(#555, #b5b5b5); font-size: .85rem; margin-top: 2rem; overflow-wrap: anywhere }
`

const page = (nonce: string, title: string, body: string): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${visible(title)}</title>
<style nonce="${escape(nonce)}">${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`

const shown = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2)
  const rest = text.length - valueLengthMax
  return `<pre>${visible(text.slice(0, valueLengthMax))}${rest > 0 ? `\n… and ${rest} characters more` : ""}</pre>`
}

const fact = (name: string, html: string): string => `<dt>${escape(name)}</dt><dd>${html}</dd>`
const some = (name: string, value: unknown): string =>
  value === null || value === undefined
    ? ""
    : `<dt class="wide">${escape(name)}</dt><dd class="wide">${shown(value)}</dd>`

/** RFC 3339 UTC text to the minute, as people read it. */
const moment = (text: string): string =>
  `<time datetime="${escape(text)}">${escape(text.slice(0, 16).replace("T", " "))} UTC</time>`

interface Choice {
  readonly name: string
  readonly label: string
}

const named = (name: string, label = name): Choice => ({ name, label })

/** An option is its name, or an object with `id` and perhaps `label`. */
const optionsOf = (options: unknown): ReadonlyArray<Choice> =>
  Array.isArray(options)
    ? options.flatMap((option: unknown) => {
      if (typeof option === "string") return [named(option)]
      if (typeof option !== "object" || option === null || !("id" in option) || typeof option.id !== "string") return []
      return [named(option.id, "label" in option && typeof option.label === "string" ? option.label : option.id)]
    })
    : []

const choicesOf = ({ ask, decisions, options }: ApprovalDocument): ReadonlyArray<Choice> => [
  ...(ask === "approval"
    ? [named("approve", "Approve"), named("reject", "Reject")]
    : ask === "checkpoint"
    ? [
      named("continue", "Continue"),
      ...(decisions.includes("retry") ? [named("retry", "Try again")] : []),
      named("abort", "Abort")
    ]
    : [named("answer", "Answer"), named("reject", "Reject")]),
  ...optionsOf(options)
]

const box = (name: string, label: string, values: ApprovalForm.Values | undefined): string =>
  `<p><label for="${name}">${escape(label)}</label>
<textarea id="${name}" name="${name}" maxlength="${ApprovalForm.fieldLengthMax}">\n${
    escape(values?.[name] ?? "")
  }</textarea></p>`

/** Decisions for which nothing has to be filled in. */
export const withoutData: ReadonlySet<string> = new Set(["reject", "abort", "retry"])

const asks: { readonly [ask in ApprovalDocument["ask"]]: string } = {
  approval: "A flow asks for an approval",
  checkpoint: "A step has answered, and you say whether the flow goes on",
  question: "A flow asks a question"
}

const titleOf = ({ ask, question }: ApprovalDocument): string => typeof question === "string" ? question : asks[ask]

/** What was sent and cannot be: it is shown again with what is wrong about it. */
export interface Again {
  readonly problem: string
  readonly values: ApprovalForm.Values
}

/**
 * The form is sent to the very address it was read from. A button that is switched off comes first, so that the Enter key
 * in a field decides nothing.
 */
export const asking = (nonce: string, approval: ApprovalDocument, by: string, again?: Again): string => {
  const { attempt, dueAt, flow, form, hash, id, input, onTimeout, output, path, quorum, requester, since, votes } =
    approval
  const buttons = choicesOf(approval).map(({ label, name }) =>
    `<button name="decision" value="${escape(name)}"${withoutData.has(name) ? " formnovalidate" : ""}>${
      visible(label)
    }</button>`
  )
  const values = again?.values
  return page(
    nonce,
    titleOf(approval),
    `<h1>${visible(titleOf(approval))}</h1>
<p>${escape(asks[approval.ask])}. Whatever you choose is decided in the name of <b>${visible(by)}</b>, once.</p>
<dl>
${fact("Flow", `${visible(flow)}, step ${visible(path)}, attempt ${attempt}`)}
${requester === null ? "" : fact("Asked for by", visible(requester))}
${fact("Since", moment(since))}${dueAt === null ? "" : fact("Until", `${moment(dueAt)}; then: ${visible(onTimeout)}`)}
${quorum > 1 ? fact("Votes", `${votes.length} of ${quorum}`) : ""}
${typeof approval.question === "string" ? "" : some("Question", approval.question)}
${some("Input", input)}${some("Answer of the step", output)}
${form === null || ApprovalForm.isPlain(form) ? "" : some("Form (JSON Schema)", form)}
</dl>
${again === undefined ? "" : `<p class="problem" role="alert">Nothing was decided. ${visible(again.problem)}</p>`}
<form method="post" autocomplete="off">
<button disabled hidden></button>
${form === null ? "" : ApprovalForm.html(form, values)}
${approval.ask === "question" && form === null ? box("text", "Your answer", values) : ""}
${box("comment", "Comment", values)}
<p>${buttons.join("\n")}</p>
</form>
<footer>${escape(id)}<br>${escape(hash)}</footer>`
  )
}

/** One sentence: what has become of it. */
export const telling = (nonce: string, title: string, text: string): string =>
  page(nonce, title, `<h1>${visible(title)}</h1>\n<p>${visible(text)}</p>`)

/** What a link shows: the question with its facts, as the server knows them, and the decisions that can be made. */
import type { ApprovalDocument } from "@baton/contract/ApprovalsClient"
import { escape, visible } from "./Page.ts"

/** Characters of one value that are shown; the rest is counted. */
const valueLengthMax = 20_000

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
  h1 { font-size: 1.4rem; overflow-wrap: anywhere }
  dt { font-weight: 600; margin-top: 1rem } dd { margin: 0 }
  pre { overflow: auto; max-height: 24rem; padding: .75rem; border: 1px solid #8888; border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere }
  .hidden { border: 1px solid #c33; border-radius: .2rem; color: #c33; font-size: .8em; padding: 0 .2em }
  textarea { box-sizing: border-box; width: 100%; min-height: 4rem; font: inherit }
  button { font: inherit; margin: .5rem .5rem 0 0; padding: .4rem 1rem }
  footer { color: #777; font-size: .85rem; margin-top: 2rem; overflow-wrap: anywhere }
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
${body}
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
  value === null || value === undefined ? "" : fact(name, shown(value))

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

const field = (name: string, label: string): string =>
  `<p><label>${escape(label)}<br><textarea name="${name}" maxlength="20000"></textarea></label></p>`

const asks: { readonly [ask in ApprovalDocument["ask"]]: string } = {
  approval: "A flow asks for an approval",
  checkpoint: "A step has answered; may the flow go on?",
  question: "A flow asks a question"
}

const titleOf = ({ ask, question }: ApprovalDocument): string => typeof question === "string" ? question : asks[ask]

/** The form is sent to the very address it was read from. */
export const asking = (nonce: string, approval: ApprovalDocument, by: string): string => {
  const { attempt, dueAt, flow, form, hash, id, input, output, path, quorum, requester, since, votes } = approval
  const buttons = choicesOf(approval).map(({ label, name }) =>
    `<button name="decision" value="${escape(name)}">${visible(label)}</button>`
  )
  return page(
    nonce,
    titleOf(approval),
    `<h1>${visible(titleOf(approval))}</h1>
<p>${escape(asks[approval.ask])}. Whatever you choose is decided in the name of <b>${visible(by)}</b>, once.</p>
<dl>
${fact("Flow", `${visible(flow)}, step ${visible(path)}, attempt ${attempt}`)}
${requester === null ? "" : fact("Asked for by", visible(requester))}
${fact("Since", escape(since))}${dueAt === null ? "" : fact("Until", `${escape(dueAt)}; then: ${approval.onTimeout}`)}
${quorum > 1 ? fact("Votes", `${votes.length} of ${quorum}`) : ""}
${typeof approval.question === "string" ? "" : some("Question", approval.question)}
${some("Input", input)}${some("Answer of the step", output)}${some("Form (JSON Schema)", form)}
</dl>
<form method="post" autocomplete="off">
${form === null ? "" : field("data", "What the form asks for, as JSON")}
${approval.ask === "question" && form === null ? field("text", "Your answer") : ""}
${field("comment", "Comment")}
<p>${buttons.join("\n")}</p>
</form>
<footer>${escape(id)}<br>${escape(hash)}</footer>`
  )
}

/** One sentence: what has become of it. */
export const telling = (nonce: string, title: string, text: string): string =>
  page(nonce, title, `<h1>${visible(title)}</h1>\n<p>${visible(text)}</p>`)

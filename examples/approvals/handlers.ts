/** The functions of the newsletter flow. */
import type { FunctionContext } from "@baton/steps/FunctionHandlers"

interface Order {
  readonly topic: string
  readonly length: "short" | "long"
}

/** Asks once; called again, it finds the answer. */
export const draft = async ({ length, topic }: Order, context: FunctionContext) => {
  const [answer] = await context.answers()
  if (answer === undefined) {
    return context.ask({ question: `Which tone for ${topic}?`, options: ["dry", "warm"], timeout: "1d" })
  }
  const { chosen } = answer.answer as { readonly chosen: string }
  const text = `A ${chosen} text about ${topic}.`
  return { title: `${topic}, ${chosen} and ${length}`, text: length === "long" ? `${text} ${text}` : text }
}

export const send = ({ subject, text }: { readonly subject: string; readonly text: string }) =>
  `${subject}: ${text.length} characters`

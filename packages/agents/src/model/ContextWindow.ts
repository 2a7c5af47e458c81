/**
 * Ollama cuts a prompt that is longer than its context window (4,096 tokens unless configured) and does not say so. What it
 * counted afterwards gives it away: the count stands at the window, or is far below what the prompt's length allows.
 */
import type * as Prompt from "effect/ai/Prompt"
import type { Warning } from "./ModelNotes.ts"

/** Ollama's window below 24 GiB of video memory; `OLLAMA_CONTEXT_LENGTH` sets another one. */
export const ollamaContextTokens = 4096

/** Tokens below the window at which a count already tells of a cut: chat templates leave a remainder. */
const slackTokens = 8

/** No tokenizer makes fewer tokens than one for so many characters of ordinary text. */
const charactersPerTokenMax = 8

export const warnings = (
  contextTokens: number,
  promptTokens: number | undefined,
  prompt: Prompt.Prompt
): ReadonlyArray<Warning> => {
  if (promptTokens === undefined) return []
  const atLimit = promptTokens >= contextTokens - slackTokens
  const lost = length(prompt) / charactersPerTokenMax > Math.max(promptTokens, contextTokens)
  if (!atLimit && !lost) return []
  return [{
    code: "context_truncated",
    message:
      `The server counted ${promptTokens} prompt tokens and its context window is ${contextTokens}: it has probably ` +
      "cut the beginning of the prompt. Raise the window (OLLAMA_CONTEXT_LENGTH, at the server and here) or send less."
  }]
}

const length = (prompt: Prompt.Prompt): number => {
  let characters = 0
  for (const message of prompt.content) {
    if (typeof message.content === "string") characters += message.content.length
    else for (const part of message.content) if (part.type === "text") characters += part.text.length
  }
  return characters
}

/** Progress for programs: the run's CloudEvents as they are, one JSON document per line. */
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import * as TerminalText from "../TerminalText.ts"

export const envelopeLine = (envelope: EventEnvelope): string => `${TerminalText.json(envelope, 0)}\n`

/**
 * A fixed set of questions on the shipped documents. The thresholds are promises to users: the right source is cited, the
 * right fact is in the report, and a question that the documents do not answer is refused.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { extractive, research, scratch } from "./ResearchDesk.ts"

interface Case {
  readonly question: string
  readonly source: string
  readonly fact: RegExp
}

const answerable: ReadonlyArray<Case> = [
  {
    question: "How do durable workflows avoid paying twice for a retried call?",
    source: "retries-and-idempotency.md",
    fact: /same key as the first attempt|server can recognise a repeated request/
  },
  {
    question: "Which HTTP methods are idempotent?",
    source: "retries-and-idempotency.md",
    fact: /GET, HEAD, OPTIONS, TRACE, PUT and DELETE/
  },
  {
    question: "What does synchronous NORMAL mean for durability in WAL mode?",
    source: "sqlite-wal-and-durability.md",
    fact: /rolled back after a power loss/
  },
  {
    question: "Can SQLite WAL be used over a network filesystem?",
    source: "sqlite-wal-and-durability.md",
    fact: /does not work over a network filesystem/
  },
  {
    question: "What is the address of the cloud metadata service?",
    source: "server-side-request-forgery.md",
    fact: /169\.254\.169\.254/
  },
  {
    question: "How does DNS rebinding get around SSRF checks?",
    source: "server-side-request-forgery.md",
    fact: /public address to the check and a private one/
  },
  {
    question: "Where is an A2A agent card found?",
    source: "a2a-protocol.md",
    fact: /\/\.well-known\/agent-card\.json/
  },
  {
    question: "Which task states are terminal in A2A?",
    source: "a2a-protocol.md",
    fact: /last four of these are terminal/
  },
  {
    question: "What happens to an approval when its input changes after the decision?",
    source: "human-approvals.md",
    fact: /approval is void/
  },
  {
    question: "What should a run do when its budget is spent?",
    source: "budgets-and-cost.md",
    fact: /should wait, not fail/
  },
  { question: "How are lost calls settled in the ledger?", source: "budgets-and-cost.md", fact: /full reservation/ },
  {
    question: "How should a fan-out treat partial failure?",
    source: "fan-out-and-fan-in.md",
    fact: /Settle-all waits until each item/
  },
  {
    question: "What are the states of a circuit breaker?",
    source: "circuit-breakers.md",
    fact: /closed, open or half-open/
  },
  {
    question: "Why must a breaker not open on a 400 response?",
    source: "circuit-breakers.md",
    fact: /caller made a mistake/
  },
  {
    question: "How does a version fence protect the journal from two writers?",
    source: "journals-and-event-sourcing.md",
    fact: /only if that is still the current version/
  },
  {
    question: "What is the transactional outbox?",
    source: "journals-and-event-sourcing.md",
    fact: /same transaction as the state change/
  },
  {
    question: "What should be done when a model's structured output fails validation?",
    source: "structured-output.md",
    fact: /send the errors back to the model/
  },
  {
    question: "How can the quality of cited reports be measured?",
    source: "evaluating-agents.md",
    fact: /Citation precision/
  },
  {
    question: "What three things together make prompt injection dangerous?",
    source: "prompt-injection.md",
    fact: /access to private data, exposure to untrusted content/
  },
  {
    question: "What is the difference between redelivery and a retry?",
    source: "leases-and-work-queues.md",
    fact: /should not be counted as a failed attempt/
  },
  {
    question: "How do workers claim rows from Postgres without waiting for each other?",
    source: "leases-and-work-queues.md",
    fact: /SKIP LOCKED/
  },
  {
    question: "What does a dash mean at the end of a JSON Pointer in a patch?",
    source: "changing-running-plans.md",
    fact: /end of an array/
  },
  {
    question: "How does a client resume a stream of server-sent events?",
    source: "streaming-progress.md",
    fact: /Last-Event-ID/
  },
  {
    question: "Why is a timeout an unknown outcome?",
    source: "timeouts-and-deadlines.md",
    fact: /may have finished, may still be working/
  }
]

/** Asked in other words than the documents use. */
const paraphrased: ReadonlyArray<Case> = [
  {
    question: "Will my run be lost if the power goes out?",
    source: "sqlite-wal-and-durability.md",
    fact: /power loss/
  },
  {
    question: "How can I stop an agent from spending too much money?",
    source: "budgets-and-cost.md",
    fact: /Limit loops by rounds as well as by money/
  },
  {
    question: "Can a web page trick my agent into leaking data?",
    source: "prompt-injection.md",
    fact: /read the user's secrets and send them to the attacker/
  },
  {
    question: "How often should heartbeats be sent?",
    source: "leases-and-work-queues.md",
    fact: /a third of the lease time/
  },
  {
    question: "Is it safe to copy the SQLite file as a backup?",
    source: "sqlite-wal-and-durability.md",
    fact: /is not a backup while the log holds changes/
  },
  {
    question: "When should I move from SQLite to Postgres?",
    source: "sqlite-wal-and-durability.md",
    fact: /when several machines must write/
  },
  {
    question: "How does Redis failover lose data?",
    source: "leases-and-work-queues.md",
    fact: /replicates asynchronously/
  },
  { question: "Should I retry a 404?", source: "retries-and-idempotency.md", fact: /will fail again in the same way/ },
  {
    question: "What if a worker dies in the middle of something?",
    source: "leases-and-work-queues.md",
    fact: /the same attempt is offered again/
  },
  {
    question: "Which is better for live progress, SSE or WebSocket?",
    source: "streaming-progress.md",
    fact: /SSE is simpler/
  }
]

const unanswerable: ReadonlyArray<string> = [
  "What is the airspeed velocity of an unladen swallow?",
  "How do I bake sourdough bread at home?",
  "Who won the football world cup in 1998?",
  "What is the capital of France?",
  "Who discovered penicillin?",
  "When was the Eiffel Tower built?",
  "What are the symptoms of vitamin D deficiency?",
  "How tall is Mount Everest?",
  "Who is the president of the United States?",
  "How do I write a good resume for a job application?",
  "How do circuit breakers in a house fuse box work and which amperage do I need?",
  "What is the best model of a key for a car lock?",
  "How do I deploy a React application to Kubernetes?",
  "What is the price of gold today?"
]

it.live(
  "cites the right source in 90 %, states the right fact in 85 % and refuses every off-topic question",
  () =>
    Effect.scoped(Effect.gen(function*() {
      const agents = extractive(yield* scratch)
      const asked = [...answerable, ...paraphrased]
      const missedSources: Array<string> = []
      const missedFacts: Array<string> = []
      const answered: Array<string> = []
      for (const { fact, question, source } of asked) {
        const { report } = yield* research(agents, question)
        if (!report.findings.some((finding) => finding.source.uri.endsWith(source))) missedSources.push(question)
        if (!fact.test(report.markdown.replace(/\s+/g, " "))) missedFacts.push(question)
      }
      for (const question of unanswerable) {
        const { report } = yield* research(agents, question)
        if (
          report.verdict !== "none" || report.findings.length > 0 ||
          !/^## No sufficient evidence$/m.test(report.markdown)
        ) {
          answered.push(question)
        }
      }
      const rate = (missed: ReadonlyArray<string>) => 1 - missed.length / asked.length
      assert.isAtLeast(rate(missedSources), 0.9, `wrong source:\n${missedSources.join("\n")}`)
      assert.isAtLeast(rate(missedFacts), 0.85, `fact missing:\n${missedFacts.join("\n")}`)
      assert.deepStrictEqual(answered, [])
      if (process.env.V) console.log({ missedSources, missedFacts })
    })),
  60_000
)

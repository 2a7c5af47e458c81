/** Every kind of command and of refusal, to be said in process and over HTTP. */
import type { Json } from "@baton/kernel/Value"
import type { FunctionContext, HandlerSet } from "@baton/steps/FunctionHandlers"

export const files = {
  "hello.yaml": `name: hello
version: 1.0.0
description: Greets.
input: { type: object, properties: { name: { type: string } }, required: [name] }
nodes:
  greet: { value: "hello \${ input.name }" }
output: "\${ nodes.greet.output }"
`,
  "ask.yaml": `name: ask
version: 1.0.0
nodes:
  a: { value: "${"x".repeat(3000)}" }
  ok: { approval: "Ship it?", needs: [a] }
  b: { value: 2, needs: [ok.approved] }
`,
  "fan.yaml": `name: fan
version: 1.0.0
nodes:
  all: { map: "\${ [1, 2, 3] }", each: { value: "\${ item }" } }
  odd: { value: "\${ input.missing.deep }", needs: [all] }
`,
  "bad.yaml": `name: bad
nodes:
  a: { value: 1, needs: [nobody] }
  b: { vlaue: 2 }
`,
  "add.json": JSON.stringify([{
    op: "add",
    path: "/nodes/-",
    value: { id: "c", type: "transform", value: 3, needs: ["a"] }
  }]),
  "wrong.json": JSON.stringify([{ op: "remove", path: "/nodes/nobody" }]),
  "stuck.yaml": `name: stuck
version: 1.0.0
nodes:
  call: { value: "\${ input.missing.deep }", onFailure: ask }
`,
  "draft.yaml": `name: draft
version: 1.0.0
nodes:
  draft: { value: "a draft", checkpointAfter: true }
`,
  "clerk.yaml": `name: clerk
version: 1.0.0
nodes:
  clerk: { function: clerk, input: null }
`,
  "reviewed.yaml": `name: reviewed
version: 1.0.0
policy: { patches: { add: { types: [transform] }, review: required } }
nodes:
  ok: { approval: "Ship it?" }
  b: { value: 2, needs: [ok.approved] }
`,
  "late.json": JSON.stringify([
    { op: "add", path: "/nodes/-", value: { id: "late", type: "transform", value: 3 } },
    { op: "add", path: "/edges/-", value: { from: "b", to: "late" } }
  ]),
  "tides.md": `# Tides

Tides follow the moon and the sun. The moon has a share of 54 percent in them, the sun one of 46 percent.
`
}

/** What functions of the flows do: asks once; called again, it finds the answer. */
export const handlers: HandlerSet = {
  handlers: new Map([["clerk", async (_: Json, context: FunctionContext) => {
    const [answer] = await context.answers()
    return answer?.answer ?? context.ask({ question: "Which tone?", options: ["dry", "warm"] })
  }]]),
  version: "1"
}

/** In order, on an empty store; `FILE` stands for the folder of the files above, `@key_` for the id of this kind shown last. */
export const script = [
  "runs list",
  "flows check FILE/hello.yaml FILE/bad.yaml",
  "flows publish FILE/hello.yaml",
  "flows publish FILE/hello.yaml",
  "flows publish FILE/ask.yaml --json",
  "flows publish FILE/bad.yaml",
  "flows list hello --json",
  "flows show hello@1.0.0 --canonical",
  "flows show helo",
  "flows diff hello FILE/ask.yaml",
  "run hello -i name=Ada --progress none",
  "run FILE/hello.yaml -i name=Bo --json --progress none --tag team=x",
  "run FILE/hello.yaml --progress none",
  "run FILE/hello.yaml -i name=Ada --agent who=them --progress none",
  "run FILE/bad.yaml --progress none",
  "run FILE/fan.yaml --progress plain",
  "runs retry @last --progress none --json",
  "runs fork @last --progress none --detach",
  "runs watch @last --progress none",
  "runs diff @last @last --json",
  "runs list --json",
  "runs list --limit 1",
  "runs list --status failed --roots",
  "runs list --after run_nobody",
  "runs list --since 1h --flow hello",
  "runs show run_nobody",
  "run FILE/ask.yaml --detach",
  "runs watch @last --progress none",
  "runs show @last --json",
  "runs journal @last --json",
  "runs explain @last --json",
  "runs logs @last",
  "runs graph @last",
  "runs list --reason approval --json",
  "runs list --reason timer",
  "runs patch @last FILE/wrong.json",
  "runs patch @last FILE/add.json --dry-run",
  "runs patch @last FILE/add.json --reason more",
  "patches list --run @last --json",
  "patches show 1 --run @last",
  "patches diff 1 --run @last",
  "patches show pat_nobody",
  "approvals list --json",
  "approvals show @last --json",
  "approvals approve apr_nobody",
  "approvals approve @last --comment fine --json",
  "runs watch @last --progress none --json",
  "approvals approve @last",
  "approvals list --all --json",
  "runs skip @last b",
  "runs send @last ack -i by=me",
  "runs pause @last",
  "runs resume @last --detach",
  "runs cancel @last",
  "deadletters list --json",
  "deadletters show dl_1",
  "usage --json",
  "usage --by day",
  "receipts stats",
  "receipts clear --yes",
  "secrets set TOKEN --host example.com",
  "secrets list --json",
  "secrets remove TOKEN --yes",
  "secrets remove TOKEN --yes",
  "runs delete @last --yes",
  "runs prune --older-than 7d --yes",
  "runs list --json",
  "research tides --files FILE/tides.md --progress none",
  "flows graph FILE/reviewed.yaml",
  "approvals link @last --json",
  "run FILE/ask.yaml --detach",
  "runs watch @last --progress none",
  "approvals reject @last --comment no --json",
  "runs watch @last --progress none --json",
  "run FILE/draft.yaml --detach",
  "runs watch @last --progress none",
  "approvals retry @last draft --comment again",
  "runs watch @last --progress none",
  "approvals reject @last --as ana",
  "approvals approve @last",
  "runs watch @last --progress none",
  "run FILE/clerk.yaml --detach",
  "runs watch @last --progress none",
  "approvals answer @last --option blue",
  "approvals answer @last --option warm",
  "runs watch @last --progress none --json",
  "run FILE/reviewed.yaml --detach",
  "runs watch @last --progress none",
  "runs patch @last FILE/late.json",
  "patches reject 1 --run @last --comment no",
  "patches approve 1 --run @last",
  "patches revert 1 --run @last --reason sorry",
  "patches list --run @last --json",
  "runs cancel @last --reason enough",
  "run FILE/stuck.yaml --detach",
  "runs watch @last --progress none",
  "runs retry @last call --modify 7",
  "runs abort @last call --note no",
  "runs watch @last --progress none",
  "run FILE/stuck.yaml --detach",
  "runs watch @last --progress none",
  "deadletters list --json",
  "deadletters show @dl_",
  "deadletters reprocess @dl_ --note again",
  "deadletters discard dl_2 --note enough",
  "deadletters discard @dl_",
  "webhooks add https://example.com/hook --flow nobody --json",
  "webhooks add http://127.0.0.1/hook",
  "webhooks list --json",
  "webhooks show @whk_ --json",
  "webhooks rotate @whk_ --overlap 1h --json",
  "webhooks disable @whk_",
  "webhooks enable @whk_",
  "webhooks test whk_nobody",
  "webhooks deliveries @whk_ --json",
  "webhooks resend dlv_nobody",
  "webhooks remove @whk_ --yes",
  "keys create ci --scope runs:read --json",
  "keys create ci --scope everything",
  "keys list --json",
  "keys rotate @key_ --grace 1h --json",
  "keys revoke @key_ --yes",
  "keys revoke key_nobody --yes",
  "runs list --json"
]

/** What a server has no part in, or tells of itself; why it is not in the script. */
export const apart: { readonly [command: string]: string } = {
  "dev": "is the server",
  "serve": "is the server",
  "config": "tells of this process",
  "completion": "asks nobody",
  "backup": "needs this machine",
  "doctor": "tells of this machine",
  "audit list": "shows the requests that a server was asked",
  "audit verify": "shows the requests that a server was asked"
}

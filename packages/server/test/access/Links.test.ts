/** Links to approvals: safe to look at, good for one decision, bound to what was asked. */
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { Client } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { AccessServer, type Answer, layer } from "./AccessServer.ts"

type Server = AccessServer["Service"]

const test = <A, E>(title: string, body: (server: Server) => Effect.Effect<A, E>) =>
  it.live(title, () => Effect.flatMap(AccessServer, body).pipe(Effect.provide(layer())), 60_000)

const gated = {
  name: "gated",
  nodes: {
    gate: {
      approval: "Pay <script>alert(1)</script> \u202eevil\u202c & \u200bmore?",
      input: { to: "a\"><img src=x onerror=alert(1)>", zero: "x\u200by" },
      approvers: ["ana", "group:payers"],
      timeout: "1h"
    }
  }
}

/** One field of every kind. */
const payment = {
  type: "object",
  required: ["amount", "account"],
  properties: {
    amount: { type: "number", minimum: 1, title: "Amount <b>" },
    account: { enum: ["main", 7] },
    urgent: { type: "boolean", default: true },
    note: { type: "string", maxLength: 80, description: "Printed" },
    lines: { type: "array", items: { type: "integer" } }
  }
}

const asking = (form: object) => ({ name: "paid", nodes: { gate: { approval: "Pay?", form } } })

/** A run that waits for its approval. */
const asked = (server: Server, key: string, flow: object = gated) =>
  Effect.gen(function*() {
    const made = yield* server.ask("POST", "/api/v1/runs", { key, body: { flow } })
    assert.strictEqual(made.status, 201, made.text)
    const run = String(made.body["id"])
    yield* Context.get(server.inProcess, Client).events(run, { after: 0, follow: true }).pipe(
      Stream.takeUntil(({ type }) => type === "orchestration.checkpoint.requested"),
      Stream.runDrain
    )
    return run
  })

const link = (server: Server, key: string, run: string, body: object = {}) =>
  Effect.map(server.ask("POST", `/api/v1/approvals/${run}/links`, { key, body }), (answer) => {
    assert.strictEqual(answer.status, 201, answer.text)
    return String(answer.body["path"])
  })

const form = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" }
const json = { accept: "application/json" }

const vote = (server: Server, path: string, decision: string): Effect.Effect<Answer> =>
  server.ask("POST", path, { headers: form, body: `decision=${decision}&comment=fine&text=` })

describe("a link to an approval", () => {
  test("shows what is asked, with nothing hidden and nothing executed, and decides nothing by being read", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "ana" })
      const run = yield* asked(server, key)
      const path = yield* link(server, key, run)
      for (let n = 0; n < 3; n++) {
        const page = yield* server.ask("GET", path, { headers: { accept: "text/html" } })
        assert.strictEqual(page.status, 200)
        assert.notMatch(page.text, /<script|<img|onerror=alert\(1\)>/)
        assert.notMatch(page.text, /[\u202e\u202c\u200b]/)
        for (const code of ["U+202E", "U+202C", "U+200B"]) assert.include(page.text, code)
        assert.include(page.text, "&lt;script&gt;")
        const policy = page.headers.get("content-security-policy") ?? ""
        assert.notInclude(policy, "script-src")
        assert.include(policy, "default-src 'none'")
        assert.include(policy, "form-action 'self'")
        assert.include(policy, "frame-ancestors 'none'")
        assert.strictEqual(page.headers.get("referrer-policy"), "same-origin")
        assert.strictEqual(page.headers.get("cache-control"), "no-store")
      }
      yield* server.ask("HEAD", path)
      const show = yield* Context.get(server.inProcess, ApprovalsClient).show({ target: run })
      assert.strictEqual(show.status, "open")
    }))

  test("decides once, in the name of whoever made it", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "ana" })
      const run = yield* asked(server, key)
      const path = yield* link(server, key, run)
      const other = yield* link(server, key, run)
      const answers = yield* Effect.forEach([1, 2, 3], () => vote(server, path, "approve"), { concurrency: 3 })
      assert.deepStrictEqual(answers.map(({ status }) => status).toSorted(), [200, 410, 410])
      const show = yield* Context.get(server.inProcess, ApprovalsClient).show({ target: run, step: "gate" })
      assert.deepInclude(show.decision, { decision: "approve", by: "ana", comment: "fine" })
      const used = yield* server.ask("GET", path, { headers: { accept: "text/html" } })
      assert.strictEqual(used.status, 410)
      assert.include(used.text, "This link is over")
      const problem = yield* server.ask("POST", path, { headers: json, body: { decision: "approve" } })
      assert.deepStrictEqual([problem.status, problem.body["code"]], [410, "LINK_OVER"])
      const late = yield* server.ask("POST", other, { headers: json, body: { decision: "reject" } })
      assert.deepStrictEqual([late.status, late.body["code"]], [410, "ALREADY_DECIDED"])
    }))

  test("gives no more than its maker has: who may not approve makes a link that may not", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "eve" })
      const payer = yield* server.newKey({ owner: "pat", groups: ["payers"] })
      const run = yield* asked(server, key)
      const path = yield* link(server, key, run)
      const denied = yield* server.ask("POST", path, { headers: json, body: { decision: "approve" } })
      assert.deepStrictEqual([denied.status, denied.body["code"]], [403, "NOT_AN_APPROVER"])
      // A refused decision does not use the link up.
      assert.strictEqual((yield* server.ask("GET", path)).status, 200)
      const good = yield* link(server, payer.key, run)
      const made = yield* server.ask("POST", good, { headers: json, body: { decision: "approve" } })
      assert.strictEqual(made.status, 200, made.text)
    }))

  test("ends with its time and with the key that made it, and a wrong one is nothing", (server) =>
    Effect.gen(function*() {
      const { id, key } = yield* server.newKey({ owner: "ana" })
      const admin = yield* server.newKey({})
      const run = yield* asked(server, key)
      const short = yield* link(server, key, run, { lifetimeMs: 1 })
      assert.strictEqual((yield* vote(server, short, "approve")).status, 410)
      const path = yield* link(server, key, run)
      yield* server.ask("DELETE", `/api/v1/keys/${id}`, { key: admin.key })
      assert.strictEqual((yield* vote(server, path, "approve")).status, 410)
      for (const token of ["x", "a".repeat(43), "..%2f..%2fetc", path.slice("/approve/".length, -1)]) {
        assert.strictEqual((yield* server.ask("GET", `/approve/${token}`)).status, 404, token)
      }
      const long = yield* server.ask("POST", `/api/v1/approvals/${run}/links`, {
        key: admin.key,
        body: { lifetimeMs: 31 * 24 * 60 * 60 * 1000 }
      })
      assert.deepStrictEqual([long.status, long.body["code"]], [400, "LINK_INVALID"])
    }))

  test("is in no store, no log, and not sent from another page", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "ana" })
      const { key: system } = yield* server.newKey({ scopes: ["audit:read", "system:admin"] })
      const run = yield* asked(server, key)
      const path = yield* link(server, key, run)
      const cross = yield* server.ask("POST", path, {
        headers: { ...form, origin: "https://evil.test" },
        body: "decision=approve"
      })
      assert.strictEqual(cross.status, 403)
      assert.strictEqual((yield* vote(server, path, "approve")).status, 200)
      const token = path.slice("/approve/".length)
      for (const spelled of [`/%61pprove/${token}`, `//APPROVE/${token}`, `/x/approve/${token}`, `/aprove/${token}`]) {
        yield* server.ask("POST", spelled, {
          headers: { ...form, origin: "https://evil.test" },
          body: "decision=approve"
        })
        yield* server.ask("DELETE", spelled.replace("/approve/", "/%2561pprove/"))
      }
      for (const file of ["baton.db", "baton.db-wal"]) {
        assert.isFalse(readFileSync(join(server.data, file)).includes(token), file)
      }
      assert.notInclude((yield* server.ask("GET", "/api/v1/audit?tenant=system", { key: system })).text, token)
      const audit = yield* server.ask("GET", "/api/v1/audit", { key })
      assert.notInclude(audit.text, token)
      const [entry] = audit.body["items"] as ReadonlyArray<{ readonly [key: string]: unknown }>
      assert.deepInclude(entry, { actor: "ana", method: "link", action: "POST /approve/:token", outcome: "done" })
      assert.match(String(entry?.["object"]), /^apr_/)
    }))

  test("has a field for each property of a plain form, and keeps what was filled in when it cannot be", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "ana" })
      const run = yield* asked(server, key, asking(payment))
      const path = yield* link(server, key, run)
      const send = (fields: { readonly [name: string]: string }) =>
        server.ask("POST", path, { headers: form, body: new URLSearchParams(fields).toString() })
      const { text } = yield* server.ask("GET", path, { headers: { accept: "text/html" } })
      const inputs = text.match(/<(?:input|select|textarea) [^>]*name="[^"]+"/g) ?? []
      for (const input of inputs) {
        const id = /id="([^"]+)"/.exec(input)?.[1] ?? "none"
        assert.include(text, `<label for="${id}">`, input)
      }
      assert.strictEqual(inputs.length, 6)
      for (const one of ["Amount &lt;b&gt;", "min=\"1\"", "<option value=\"7\">7</option>", "checked", "Printed"]) {
        assert.include(text, one)
      }
      // The Enter key presses the first button, which is none.
      assert.match(text, /<form [^>]*>\s*<button disabled hidden>/)

      const wrong = yield* send({ decision: "approve", "field.amount": "0.5", "field.account": "7", comment: "mine <" })
      assert.strictEqual(wrong.status, 400)
      assert.match(wrong.text, /role="alert">Nothing was decided\.[^<]*\/amount/)
      for (const kept of ["value=\"0.5\"", "<option value=\"7\" selected>", "mine &lt;"]) {
        assert.include(wrong.text, kept)
      }
      assert.notInclude(wrong.text, "checked")
      const broken = yield* send({
        decision: "approve",
        "field.amount": "2",
        "field.account": "7",
        "field.lines": "[1"
      })
      assert.include(broken.text, "lines is no JSON.")
      const long = yield* send({ decision: "approve", "field.amount": "9007199254740993", "field.account": "7" })
      assert.include(long.text, "amount has more digits than a number keeps")

      const fields = { "field.amount": "12.5", "field.account": "7", "field.lines": "[1]", "field.urgent": "on" }
      const done = yield* send({ decision: "approve", ...fields, "field.note": "", comment: "" })
      assert.strictEqual(done.status, 200, done.text)
      const shown = yield* server.ask("GET", `/api/v1/runs/${run}/events?after=0`, { key })
      assert.include(shown.text, "{\"amount\":12.5,\"account\":7,\"urgent\":true,\"lines\":[1]}")
    }))

  test("asks for nothing when it is refused, and for JSON where fields would not do", (server) =>
    Effect.gen(function*() {
      const { key } = yield* server.newKey({ owner: "ana" })
      const choice = { ...payment, oneOf: [{ required: ["note"] }, { required: ["lines"] }] }
      const open = yield* asked(server, key, asking(choice))
      const path = yield* link(server, key, open)
      const { text } = yield* server.ask("GET", path, { headers: { accept: "text/html" } })
      for (const one of ["Form (JSON Schema)", "name=\"data\"", "&quot;oneOf&quot;"]) assert.include(text, one)
      const body = new URLSearchParams({
        decision: "approve",
        data: JSON.stringify({ amount: 2, account: 7, note: "" })
      })
      assert.strictEqual((yield* server.ask("POST", path, { headers: form, body: body.toString() })).status, 200)
      const refused = yield* asked(server, key, asking(payment))
      assert.strictEqual((yield* vote(server, yield* link(server, key, refused), "reject")).status, 200)
    }))
})

/** Outgoing calls: what an operator opens is open, nothing else is, and secrets go only where they are bound to. */
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { atDesk, type Desk, document } from "./Baton.ts"

interface Server {
  readonly host: string
  readonly asked: ReadonlyArray<IncomingHttpHeaders>
}

/** Answers with what it was sent, as a careless service would. */
const withServer = (test: (desk: Desk, server: Server) => Promise<void>) =>
  atDesk(async (desk) => {
    const asked: Array<IncomingHttpHeaders> = []
    const server = createServer((request, response) => {
      asked.push(request.headers)
      response.setHeader("content-type", "application/json").end(JSON.stringify(request.headers))
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    try {
      await test(desk, { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}` })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

const secret = "tiger-in-the-tank-4711"

const call = `
name: call
inputSchema: { type: object, required: [url] }
secrets: [API_TOKEN]
nodes:
  call:
    http: "GET \${ input.url }"
    headers: { authorization: "Bearer \${ secrets.API_TOKEN }" }
output: "\${ nodes.call.output }"
`

const isInFiles = (folder: string, text: string): boolean =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).some((entry) =>
    entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(text)
  )

describe.concurrent("outgoing calls", { timeout: 90_000 }, () => {
  it(
    "carry a secret to the host it is bound to and nowhere else, and no output ever shows it",
    withServer(
      async (desk, { asked, host }) => {
        const env = { BATON_NET_ALLOW: `${host},localhost:${host.split(":")[1]}` }
        desk.write("call.yaml", call)
        const run = (url: string) => desk.start(["run", "call.yaml", "-i", `url=${url}`, "--json", "-v"], { env }).end
        const missing = await run(`http://${host}/`)
        assert.deepStrictEqual([missing.exit, document(missing).code], [2, "SECRET_MISSING"])

        const set = await desk.start(["secrets", "set", "API_TOKEN", "--host", "127.0.0.1"], { stdin: `${secret}\n` })
          .end
        assert.deepStrictEqual([set.exit, set.out], [0, "API_TOKEN set hosts=127.0.0.1\n"], set.err)
        const [bound, unbound] = await Promise.all([
          run(`http://${host}/`),
          run(`http://${host.replace("127.0.0.1", "localhost")}/`)
        ])
        assert.strictEqual(bound.exit, 0, bound.err)
        assert.deepStrictEqual(asked.map((headers) => headers.authorization), [`Bearer ${secret}`])
        assert.strictEqual(document(bound).output.body.authorization, "Bearer [secret API_TOKEN]")
        assert.deepStrictEqual([unbound.exit, document(unbound).error.code], [3, "SECRET_HOST_NOT_ALLOWED"])

        const journal = await desk.run("runs", "journal", document(bound).id, "--json")
        const list = await desk.run("secrets", "list")
        for (const { err, out } of [set, bound, unbound, journal, list]) assert.notInclude(out + err, secret)
        assert.isFalse(isInFiles(desk.folder, secret))

        const removed = await desk.run("secrets", "remove", "API_TOKEN", "-y")
        assert.deepStrictEqual([removed.exit, removed.out], [0, "API_TOKEN removed\n"])
      }
    )
  )

  it(
    "reach no address inside, however it is spelled, unless the operator opens it",
    withServer(
      async (desk, { asked, host }) => {
        const corpus = readFileSync(new URL("../corpora/ssrf.jsonl", import.meta.url), "utf8").trimEnd().split("\n")
          .map((line): { cat: string; expect: string; url: string } => JSON.parse(line))
        const bad = corpus.filter(({ cat, expect }) =>
          expect === "block" && ["v4enc", "v4net", "v6", "unicode", "scheme", "lexical", "cloud"].includes(cat)
        ).map(({ url }) => url)
        assert.isAbove(bad.length, 100)
        desk.write("flow.json", {
          name: "fetches",
          nodes: { all: { map: "${ input }", tolerate: { failures: "100%" }, each: { http: "GET ${ item }" } } },
          output: "${ nodes.all.output }"
        })
        desk.write("urls.json", [...bad, `http://${host}/`])
        const args = ["run", "flow.json", "--input", "urls.json", "--json"]
        const open = await desk.start(args, { env: { BATON_NET_ALLOW: host } }).end
        const { failures, succeeded } = document(open).output
        assert.deepStrictEqual([open.exit, succeeded, asked.length], [0, 1, 1], open.err)
        const codes = new Set(failures.map((failure: { code: string }) => failure.code))
        const refusals = /^(URL_|PORT_REFUSED|PATH_REFUSED|ADDRESS_PRIVATE|DNS_)/
        assert.deepStrictEqual([...codes].filter((code) => !refusals.test(String(code))), [])
      }
    )
  )

  it(
    "are refused before they begin when the operator's list is wrong",
    atDesk(async (desk) => {
      const { err, exit } = await desk.start(["runs", "list"], { env: { BATON_NET_ALLOW: "10.0.0.0/99" } }).end
      assert.strictEqual(exit, 2)
      assert.match(
        err,
        /^error\[CONFIG_INVALID\]: BATON_NET_ALLOW: .*10\.0\.0\.0\/99.*\n {2}try: unset BATON_NET_ALLOW/
      )
    })
  )
})

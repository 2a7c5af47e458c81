/**
 * A contract proxy between a client and the API: what differs from the OpenAPI document is told, and ends in exit code 1.
 * Run by hand: `npm run contract` (npx brings the proxy; it is too large for everybody's installation).
 */
import { Scope } from "@baton/contract/http/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const prism = process.env["BATON_PRISM"]?.split(" ") ?? ["npx", "--yes", "@stoplight/prism-cli@5.16.0"]
const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "baton-contract-"))

/** Starts a program and waits until it says something. */
const start = async (command: string, args: ReadonlyArray<string>, says: RegExp) => {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"], detached: true })
  for (let said = "";;) {
    const [chunk]: Array<Buffer> = await once(child.stdout, "data")
    said += String(chunk)
    const found = says.exec(said)
    if (found !== null) return { child, found: found[1] ?? "" }
  }
}

const hello = { name: "hello", version: "1.0.0", nodes: { greet: { value: "hello ${ input.name }" } } }
const ask = { name: "ask", nodes: { a: { value: 1 }, ok: { approval: "Ship?", needs: ["a"] } } }

type Send = (method: string, path: string, body?: unknown, headers?: { [name: string]: string }) => Promise<unknown>

/** Every group of the API, in good requests and in bad ones. */
const play = async (send: Send): Promise<void> => {
  await send("POST", "/api/v1/flows", { flow: hello })
  await send("POST", "/api/v1/flows/check", { flow: ask })
  for (const path of ["", "/hello", "/hello/versions", "/hello/versions/1.0.0", "/nobody"]) {
    await send("GET", `/api/v1/flows${path}`)
  }
  const run = await send("POST", "/api/v1/runs", { flow: "hello", input: { name: "Ada" } }, { "idempotency-key": "k" })
  const { id } = run as { id: string }
  const waits = (await send("POST", "/api/v1/runs", { flow: ask })) as { id: string }
  for (const path of ["", "/steps", "/events", "/logs", "/explain", "/plan", "/patches", `/diff/${waits.id}`]) {
    await send("GET", `/api/v1/runs/${id}${path}`)
  }
  await send("GET", "/api/v1/runs?limit=1&status=succeeded")
  await send("GET", "/api/v1/runs/resolve?text=@last")
  await send("GET", "/api/v1/runs/run_nobody")
  await send("POST", `/api/v1/runs/${id}/fork`, {})
  await send("POST", `/api/v1/runs/${id}/pause`)
  await send("POST", `/api/v1/runs/${waits.id}/send`, { name: "go" })
  await send("POST", `/api/v1/runs/${waits.id}/patches/rehearse`, { operations: [] })
  for (
    const path of [
      "/approvals",
      "/patches",
      "/deadletters",
      "/waits?reason=approval",
      "/usage",
      "/receipts",
      "/secrets",
      "/doctor",
      "/webhooks"
    ]
  ) {
    await send("GET", `/api/v1${path}`)
  }
  await send("GET", `/api/v1/approvals/${waits.id}`)
  await send("POST", `/approvals/${waits.id}/decide`, { decision: "approve" })
  await send("PUT", "/api/v1/secrets/TOKEN", { value: "x", hosts: ["example.com"] })
  await send("DELETE", "/api/v1/secrets/TOKEN")
  await send("GET", `/api/v1/blobs/sha256:${"0".repeat(64)}`)
  for (const path of ["/health", "/ready", "/problems/stale", "/problems/nobody", "/schemas/flow.json"]) {
    await send("GET", path)
  }
  await send("DELETE", `/api/v1/runs/${id}`)
}

const keyOf = async (url: string): Promise<string> => {
  const response = await fetch(`${url}/api/v1/keys`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "contract", scopes: Scope.literals })
  })
  const { key } = (await response.json()) as { key: string }
  return key
}

const main = async (): Promise<number> => {
  const server = await start(
    process.execPath,
    ["packages/cli/bin/baton.mjs", "dev", "--port", "0", "--data", folder],
    /(http:\S+)/
  )
  const [command = "npx", ...before] = prism
  const proxy = await start(command, [
    ...before,
    "proxy",
    "docs/reference/openapi.json",
    server.found,
    "--port",
    "4017"
  ], /listening on (\S+)/)
  // The document asks for a credential, which a server for one person does not.
  const authorization = `Bearer ${await keyOf(server.found)}`
  const differences: Array<string> = []
  let sent = 0
  try {
    await play(async (method, path, body, headers) => {
      const response = await fetch(`http://127.0.0.1:4017${path}`, {
        method,
        headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      sent++
      const found = response.headers.get("sl-violations")
      const text = await response.text()
      if (found !== null && found !== "[]") differences.push(`${method} ${path} ${response.status}: ${found}`)
      try {
        return JSON.parse(text)
      } catch {
        return undefined
      }
    })
  } finally {
    // With whatever npx has started: the proxy is a child of its own.
    for (const { child } of [proxy, server]) if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM")
    await once(server.child, "exit")
    rmSync(folder, { recursive: true, force: true })
  }
  process.stdout.write([...differences, `${sent} requests, ${differences.length} differences`].join("\n") + "\n")
  return differences.length === 0 ? 0 : 1
}

process.exit(await main())

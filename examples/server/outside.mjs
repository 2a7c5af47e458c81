/**
 * What stands around a server, as one program. `node outside.mjs serve` takes webhooks, answering 503 until there is a file
 * `healthy`, and collects traces (OTLP/HTTP, JSON); it writes its address into the file `host`. `node outside.mjs received`
 * waits until the run's end has come and tells what came; `node outside.mjs trace` does the same for the run's trace.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"

const lines = (file) =>
  existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line)) : []

const until = async (file, fits) => {
  while (!lines(file).some(fits)) await new Promise((resolve) => setTimeout(resolve, 50))
  return lines(file)
}

const hook = (body) => {
  if (!existsSync("healthy")) return 503
  const { id, type } = JSON.parse(body)
  appendFileSync("received", `${JSON.stringify({ id, type })}\n`)
  return 204
}

const traces = (body) => {
  for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
    for (const { spans } of scopeSpans) for (const span of spans) appendFileSync("spans", `${JSON.stringify(span)}\n`)
  }
  return 200
}

const serve = () => {
  const server = createServer((request, response) => {
    const chunks = []
    request.on("data", (chunk) => chunks.push(chunk))
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8")
      response.writeHead(request.url === "/hook" ? hook(body) : traces(body)).end()
    })
  })
  server.listen(0, "127.0.0.1", () => writeFileSync("host", `127.0.0.1:${server.address().port}`))
  setTimeout(() => process.exit(), 240_000)
}

const received = async () => {
  const all = await until("received", ({ type }) => type === "orchestration.run.completed")
  // A delivery whose answer was lost comes twice, with the same id.
  const once = new Map(all.map(({ id, type }) => [id, type]))
  for (const [id, type] of once) console.log(id, type)
}

const trace = async () => {
  const all = await until("spans", ({ name }) => name.startsWith("invoke_workflow"))
  const { traceId } = all.find(({ name }) => name.startsWith("invoke_workflow"))
  // Deliveries are part of the trace as well, each attempt of them; there are too many to show.
  const spans = all.filter(({ name, ...span }) => span.traceId === traceId && !name.startsWith("webhook "))
  const tell = (parent, indent) => {
    for (const { name, spanId } of spans.filter(({ parentSpanId = "" }) => parentSpanId === parent)) {
      console.log(indent + name)
      tell(spanId, `${indent}  `)
    }
  }
  tell("", "")
}

await { serve, received, trace }[process.argv[2]]()

/**
 * A receiver of webhooks. `node receiver.mjs serve` answers 503 until there is a file `healthy`; then it verifies each
 * delivery (Standard Webhooks 1.0.0) and writes it down once. `node receiver.mjs wait` prints what came, when all is there.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"

const key = Buffer.from(readFileSync("secret", "utf8").trim().slice("whsec_".length), "base64")
const seen = new Set()

const isGenuine = (headers, body) => {
  const timestamp = Number(headers["webhook-timestamp"])
  if (Math.abs(Date.now() / 1000 - timestamp) > 300) return false
  const expected = createHmac("sha256", key).update(`${headers["webhook-id"]}.${timestamp}.`).update(body).digest()
  return String(headers["webhook-signature"]).split(" ").some((entry) => {
    const signature = Buffer.from(entry.split(",")[1] ?? "", "base64")
    return entry.startsWith("v1,") && signature.length === expected.length && timingSafeEqual(signature, expected)
  })
}

const receive = (headers, body) => {
  if (!existsSync("healthy")) return 503
  if (!isGenuine(headers, body)) return 401
  // What comes twice has the same id.
  if (seen.has(headers["webhook-id"])) return 204
  seen.add(headers["webhook-id"])
  const { id, type } = JSON.parse(body.toString("utf8"))
  appendFileSync("received", `${id} ${type}\n`)
  return 204
}

if (process.argv[2] === "serve") {
  const server = createServer((request, response) => {
    const chunks = []
    request.on("data", (chunk) => chunks.push(chunk))
    request.on("end", () => response.writeHead(receive(request.headers, Buffer.concat(chunks))).end())
  })
  server.listen(0, "127.0.0.1", () => writeFileSync("host", `127.0.0.1:${server.address().port}`))
  setTimeout(() => process.exit(), 120_000)
} else {
  const received = () => existsSync("received") ? readFileSync("received", "utf8") : ""
  while (!received().includes("orchestration.run.completed")) await new Promise((resolve) => setTimeout(resolve, 50))
  process.stdout.write(received())
}

/** A flow is not trusted: where the operator names a folder, its research agents read nothing outside of it. */
import { Client } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"

const flow = `name: reads
inputSchema: { type: object }
nodes:
  find:
    agent: research/extractive/researcher
    input: { task: "the retry budget", files: "\${ input.files }" }
output: "\${ nodes.find.output.findings.map(f, f.quote) }"
`

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-root-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const text = "The retry budget is ten percent of all the calls that a client makes within a minute."

const reads = Effect.fnUntraced(function*(data: string, root: string, file: string) {
  const provider = ConfigProvider.fromUnknown({ BATON_READ_ROOT: root })
  return yield* Effect.gen(function*() {
    const client = yield* Client
    const { id } = yield* client.start({ flow: { text: flow, file: "flow.yaml" }, input: { files: [file] } })
    yield* Stream.runDrain(client.events(id, { after: 0, follow: true }))
    const { output, status } = yield* client.show(id)
    return { output, status }
  }).pipe(
    Effect.provide(Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") })),
    Effect.provideService(ConfigProvider.ConfigProvider, provider)
  )
})

describe("documents outside of BATON_READ_ROOT", () => {
  it.live("are not read, by name or through a link", () =>
    Effect.gen(function*() {
      const parent = yield* folder
      const root = join(parent, "docs")
      mkdirSync(root)
      writeFileSync(join(root, "inside.md"), text)
      writeFileSync(join(parent, "outside.md"), text)
      symlinkSync(join(parent, "outside.md"), join(root, "link.md"))
      const data = join(parent, "data")
      assert.deepStrictEqual(yield* reads(data, root, join(root, "inside.md")), { status: "succeeded", output: [text] })
      for (const file of [join(parent, "outside.md"), join(root, "link.md"), "../outside.md"]) {
        assert.deepStrictEqual(yield* reads(data, root, file), { status: "failed", output: null })
      }
    }).pipe(Effect.scoped))
})

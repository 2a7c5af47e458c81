import * as Compile from "@baton/kernel/Compile"
import * as Drawing from "@baton/kernel/Drawing"
import type { Plan } from "@baton/kernel/Plan"
import type { Json } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"

const plan = (nodes: Json): Plan => {
  const made = Compile.checkData({ name: "drawn", version: "1.2.0", nodes }).plan
  assert.isDefined(made)
  return made as Plan
}

const review = plan({
  publish: { needs: ["gate.approved"], when: "input.live", file: "out.md", content: "x" },
  gate: { approval: "Publish \"it\"?", needs: ["draft"] },
  draft: { agent: "writer" },
  alarm: { http: "POST https://x.test/alarm", needs: ["draft.failed", "gate.rejected"], join: "any" }
})

describe("Drawing", () => {
  it("lists nodes after those they need, with what makes an edge live", () => {
    assert.strictEqual(
      Drawing.listing(review),
      [
        "drawn 1.2.0  4 nodes, 4 edges",
        "  draft    agent writer",
        "  gate     approval: Publish \"it\"?  ← draft",
        "  publish  file out.md  ← gate (approved)  when input.live",
        "  alarm    POST https://x.test/alarm  ← 1 of draft (failure), gate (rejected)",
        ""
      ].join("\n")
    )
  })

  it("draws Mermaid with shapes and conditions", () => {
    const lines = Drawing.mermaid(review).split("\n")
    assert.strictEqual(lines[0], "flowchart TD")
    assert.include(lines, "  n1{{\"gate<br/><small>approval: Publish #34;it#34;?</small>\"}}")
    assert.include(lines, "  n1 -->|\"approved\"| n0")
    assert.include(lines, "  n2 -.->|\"failure\"| n3")
  })

  it("lets no text of an author break out of a label or steer a terminal", () => {
    const hostile = plan({ a: { approval: "\"]; click n0 \"javascript:alert(1)\"\n\u001b[2J<script>|" } })
    assert.notMatch(Drawing.mermaid(hostile).replaceAll(/<br\/>|<\/?small>/g, ""), /<script|\u001b|"\];/)
    assert.lengthOf(Drawing.mermaid(hostile).split("\n"), 3)
    assert.notMatch(Drawing.listing(hostile), /\u001b/)
  })
})

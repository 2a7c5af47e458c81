/** What is sent to hurt: deep, wide, long, with names of prototypes, with patterns that take for ever. */
import * as Compile from "@baton/kernel/Compile"
import { decideUnknown } from "@baton/kernel/Decide"
import * as FlowText from "@baton/kernel/FlowText"
import * as JsonText from "@baton/kernel/JsonText"
import * as Pattern from "@baton/kernel/Pattern"
import type { Json } from "@baton/kernel/Value"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { fingerprint } from "../../packages/kernel/test/random/Fingerprint.ts"
import { epoch, flow, RunDriver } from "../../packages/kernel/test/RunDriver.ts"

interface Case {
  readonly name: string
  readonly raw?: string
  readonly gen?: { readonly repeat?: string; readonly n?: number; readonly mid?: string; readonly close?: string }
}

/** Longest text that is generated here, in characters. */
const textMax = 20_000_000

const cases = readFileSync(new URL("../corpora/hostile-json.jsonl", import.meta.url), "utf8").trimEnd().split("\n")
  .map((line): Case => JSON.parse(line))
  .flatMap(({ gen, name, raw }) => {
    if (raw !== undefined) return [{ name, text: raw }]
    const { close = "", mid = "", n = 0, repeat } = gen ?? {}
    if (repeat === undefined || n * (repeat.length + close.length) > textMax) return []
    return [{ name, text: repeat.repeat(n) + mid + close.repeat(n) }]
  })

const readable = (text: string): Json | undefined => {
  const { faults, value } = JsonText.read(text)
  return faults.length === 0 ? value : undefined
}

/** What a careless reader would hand on. */
const hostRead = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const wholesome = (): void => {
  assert.isUndefined(({} as { admin?: unknown }).admin)
  assert.isUndefined(({} as { polluted?: unknown }).polluted)
}

describe("JSON that is sent to hurt", () => {
  it("fault 42: is read as it is or refused, wherever it comes in, and changes nothing but its own run", () => {
    assert.isAbove(cases.length, 30)
    const run = new RunDriver(flow([{ id: "a", type: "wait", event: "e" }]))
    for (const { name, text } of cases) {
      const before = fingerprint(run.state)
      const json = readable(text)
      // As a command, as a value inside one, as a flow.
      decideUnknown(run.state, json)
      if (json !== undefined) {
        const sent = decideUnknown(run.state, { type: "SendEvent", at: epoch, id: name, name: "x", data: { v: json } })
        assert.include(["events", "refused"], sent.kind, name)
        Compile.compile(json as never)
      }
      FlowText.parse(text)
      assert.strictEqual(fingerprint(run.state), before, name)
      wholesome()
    }
  }, 60_000)

  it("fault 42: names of prototypes are names like others, all the way through a run", () => {
    const input = JSON.parse(`{"__proto__":{"admin":true},"constructor":{"prototype":{"polluted":1}}}`) as Json
    const run = new RunDriver(
      flow([{ id: "a", type: "transform", value: "${ input }" }], [], { output: "${ nodes.a.output }" }),
      input
    )
    run.succeed("a", input)
    assert.strictEqual(JSON.stringify(run.state.finished?.output), JSON.stringify({ v: input }))
    wholesome()
  })

  it(
    "fault 42: a million members, a body of 100 MB, a depth of a million are refused",
    () => {
      const wide = `{${Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":1`).join(",")}}`
      const deep = "[".repeat(1_000_000) + "]".repeat(1_000_000)
      const long = `"${"x".repeat(100 * 1024 * 1024)}"`
      const run = new RunDriver(flow([{ id: "a", type: "wait", event: "e" }]))
      for (const text of [wide, deep, long]) {
        const sent = { type: "SendEvent", at: epoch, id: "x", name: "x", data: { v: hostRead(text) } }
        decideUnknown(run.state, sent)
        assert.isAbove(FlowText.parse(text).problems.length, 0)
      }
    },
    60_000
  )
})

describe("an event loop that must not stand still", () => {
  it("fault 48: a pattern that takes for ever elsewhere takes a moment here", () => {
    for (const source of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]) {
      const pattern = Pattern.compile(source)
      if (typeof pattern === "string") throw new Error(pattern)
      const began = performance.now()
      Pattern.test(pattern, "a".repeat(50_000) + "!", 5_000_000)
      assert.isBelow(performance.now() - began, 20_000, source)
    }
  })

  it("fault 48: an expression that would take for ever is stopped by its budget", () => {
    const items = Array.from({ length: 2_000 }, (_, index) => index)
    const nested = "input.all(a, input.all(b, a + b >= 0))"
    const began = performance.now()
    const run = new RunDriver(flow([{ id: "a", type: "wait", for: "1s", when: nested }]), items)
    assert.isBelow(performance.now() - began, 20_000)
    assert.strictEqual(run.state.finished?.code, "EXPRESSION_FAILED")
  })
})

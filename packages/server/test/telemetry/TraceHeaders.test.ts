/** Cases of W3C Trace Context, Level 2: what comes in at our border, and what goes on. */
import { assert, describe, it } from "@effect/vitest"
import * as TraceHeaders from "../../src/telemetry/TraceHeaders.ts"

const trace = "0af7651916cd43dd8448eb211c80319c"
const span = "b7ad6b7169203331"
const kept = `00-${trace}-${span}-01`
const none = undefined

const parents: ReadonlyArray<readonly [why: string, header: string | undefined, kept: string | undefined]> = [
  ["a parent of this version", kept, kept],
  ["one that is not recorded", `00-${trace}-${span}-00`, `00-${trace}-${span}-00`],
  ["blanks around it", ` \t${kept} `, kept],
  ["a flag of the second level", `00-${trace}-${span}-03`, `00-${trace}-${span}-03`],
  ["flags that nobody knows are not handed on", `00-${trace}-${span}-ff`, `00-${trace}-${span}-03`],
  ["a later version, as far as it is known", `cc-${trace}-${span}-01`, kept],
  ["a later version with more behind", `cc-${trace}-${span}-01-what-the-future-brings`, kept],
  ["a later version that runs on", `cc-${trace}-${span}-01.what`, none],
  ["version ff", `ff-${trace}-${span}-01`, none],
  ["this version with more behind", `${kept}-extra`, none],
  ["a dash behind", `${kept}-`, none],
  ["none", none, none],
  ["an empty one", "", none],
  ["capitals in the trace", `00-${trace.toUpperCase()}-${span}-01`, none],
  ["capitals in the version", `CC-${trace}-${span}-01`, none],
  ["a trace of zeros", `00-${"0".repeat(32)}-${span}-01`, none],
  ["a span of zeros", `00-${trace}-${"0".repeat(16)}-01`, none],
  ["a short trace", `00-${trace.slice(1)}-${span}-01`, none],
  ["a long trace", `00-${trace}0-${span}-01`, none],
  ["a short span", `00-${trace}-${span.slice(1)}-01`, none],
  ["short flags", `00-${trace}-${span}-1`, none],
  ["long flags", `00-${trace}-${span}-001`, none],
  ["no hex", `00-${trace.replace("a", "g")}-${span}-01`, none],
  ["a short version", `0-${trace}-${span}-01`, none],
  ["two headers", `${kept}, ${kept}`, none]
]

const key256 = "k".repeat(256)
const many = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=v`).join(",")

const states: ReadonlyArray<readonly [why: string, header: string | undefined, kept: string | undefined]> = [
  ["one member", "foo=1", "foo=1"],
  ["members in their order", "foo=1,bar=2", "foo=1,bar=2"],
  ["blanks around members", "foo=1 \t, \tbar=2", "foo=1,bar=2"],
  ["a blank inside a value", "foo=a b", "foo=a b"],
  ["empty members", "foo=1,,bar=2,", "foo=1,bar=2"],
  ["a tenant's key", "t61rcwkgmze@rojo=1", "t61rcwkgmze@rojo=1"],
  ["a key that begins with a digit", "0abc=1", "0abc=1"],
  ["every sign of a key", "a0_-*/@=1", "a0_-*/@=1"],
  ["a key of 256 signs", `${key256}=1`, `${key256}=1`],
  ["32 members", many(32), many(32)],
  ["33 members", many(33), none],
  ["a key of 257 signs", `k${key256}=1`, none],
  ["a value of 257 signs", `k=${"v".repeat(257)}`, none],
  ["a key twice", "foo=1,foo=2", none],
  ["no value", "foo=", none],
  ["no key", "=1", none],
  ["no sign between", "foo", none],
  ["two signs between", "foo=1=2", none],
  ["a capital in a key", "FOO=1", none],
  ["a blank in a key", "fo o=1", none],
  ["a key that begins with a sign", "@foo=1", none],
  ["no ASCII", "foo=ä", none],
  ["an empty one", "", none],
  ["none", none, none],
  [
    "too much: the last goes",
    `a=${"v".repeat(120)},b=${"v".repeat(120)},c=${"v".repeat(120)},d=${"v".repeat(120)},e=${"v".repeat(120)}`,
    `a=${"v".repeat(120)},b=${"v".repeat(120)},c=${"v".repeat(120)},d=${"v".repeat(120)}`
  ],
  [
    "too much: long members go first",
    `a=${"v".repeat(250)},b=${"v".repeat(250)},c=1,d=${"v".repeat(100)}`,
    `a=${"v".repeat(250)},c=1,d=${"v".repeat(100)}`
  ]
]

describe("traceparent", () => {
  it.each(parents)("%s", (_, header, expected) => {
    assert.strictEqual(TraceHeaders.parent(header), expected)
  })
})

describe("tracestate", () => {
  it.each(states)("%s", (_, header, expected) => {
    assert.strictEqual(TraceHeaders.state(header), expected)
  })

  it("is nothing without a parent", () => {
    assert.isUndefined(TraceHeaders.link({ tracestate: "foo=1" }))
    assert.isUndefined(TraceHeaders.link({ traceparent: "00-0-0-0", tracestate: "foo=1" }))
  })

  it("that is no state leaves the parent", () => {
    assert.deepStrictEqual(TraceHeaders.link({ traceparent: kept, tracestate: "FOO" }), { parent: kept })
    assert.deepStrictEqual(TraceHeaders.link({ traceparent: kept, tracestate: "a=1" }), { parent: kept, state: "a=1" })
  })
})

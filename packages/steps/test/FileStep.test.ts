import { TestBlobs } from "@baton/engine/testing/AttemptHarness"
import type * as Flow from "@baton/kernel/Flow"
import type { Json, Value } from "@baton/kernel/Value"
import * as FileStep from "@baton/steps/FileStep"
import * as OutputFile from "@baton/steps/OutputFile"
import * as OutputPath from "@baton/steps/OutputPath"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as Path from "node:path"
import { failing, giving, run } from "./StepRun.ts"

/** A folder with the output root inside and a file beside it that nobody may touch. */
const makePlace = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = fs.mkdtempSync(Path.join(os.tmpdir(), "baton-file-"))
    fs.writeFileSync(Path.join(folder, "beside"), "untouched")
    const root = Path.join(folder, "output")
    const stepType = Effect.runSync(Effect.provideService(FileStep.make, FileStep.OutputRoot, root))
    return { folder, root, stepType, at: (path: string) => Path.join(root, path) }
  }),
  ({ folder }) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const everything = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()

const file = (path: string, content: Json, format?: "text" | "json" | "jsonl"): Flow.Body => ({
  type: "file",
  path,
  content,
  ...(format === undefined ? undefined : { format })
})

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

describe("file", () => {
  it.effect("writes text whole and says where, how much and what", () =>
    Effect.gen(function*() {
      const { at, root, stepType } = yield* makePlace
      const output = yield* giving(stepType, file("${ run.id }/report.md", "# é\n"), {
        roots: { run: { v: { id: "run_7" } } }
      })
      assert.strictEqual(fs.readFileSync(at("run_7/report.md"), "utf8"), "# é\n")
      assert.deepStrictEqual(output, { path: `${root}/run_7/report.md`, bytes: 5, sha256: sha256("# é\n") })
      assert.deepStrictEqual(everything(root), ["run_7", "run_7/report.md"])
    }))

  it.effect("replaces what is there, and gives the same for the same content", () =>
    Effect.gen(function*() {
      const { at, stepType } = yield* makePlace
      const first = yield* giving(stepType, file("a.txt", "one"))
      yield* giving(stepType, file("a.txt", "another one"))
      assert.deepStrictEqual(yield* giving(stepType, file("a.txt", "one")), first)
      assert.strictEqual(fs.readFileSync(at("a.txt"), "utf8"), "one")
    }))

  it.effect("formats values as json, lists as lines, and text as what its format says", () =>
    Effect.gen(function*() {
      const { at, stepType } = yield* makePlace
      const cases: ReadonlyArray<readonly [string, Json, "text" | "json" | "jsonl" | undefined, string]> = [
        ["a", { b: 1 }, undefined, "{\n  \"b\": 1\n}\n"],
        ["b.json", [1], "json", "[\n  1\n]\n"],
        ["c.json", "text", "json", "\"text\"\n"],
        ["d.jsonl", [{ a: 1 }, "two\nlines", null], undefined, "{\"a\":1}\n\"two\\nlines\"\nnull\n"],
        ["e.txt", [1, 2], "jsonl", "1\n2\n"],
        ["f.jsonl", "{\"as\":\"is\"}\n", undefined, "{\"as\":\"is\"}\n"],
        ["g.jsonl", [], "jsonl", ""],
        ["h.txt", "", "text", ""]
      ]
      for (const [path, content, format, expected] of cases) {
        const output = yield* giving(stepType, file(path, content, format))
        assert.strictEqual(fs.readFileSync(at(path), "utf8"), expected)
        assert.strictEqual((output as { readonly sha256: string }).sha256, sha256(expected))
      }
      const error = yield* failing(stepType, file("i.txt", [1], "text"))
      assert.deepStrictEqual([error.code, error.kind], ["CONTENT_INVALID", "validation"])
    }))

  it.effect("streams a list that is stored in chunks, one chunk at a time", () =>
    Effect.gen(function*() {
      const { at, stepType } = yield* makePlace
      const blobs = new TestBlobs()
      const parts = Array.from({ length: 20 }, (_, part) =>
        Array.from({ length: 500 }, (_, n) => ({ n: part * 500 + n })))
      const results: Value = { chunks: parts.map((part) => ({ ...blobs.put(part), n: part.length })), count: 10_000 }
      const output = yield* giving(stepType, file("rows.jsonl", "${ needs.enrich.results }", "jsonl"), {
        blobs,
        nodes: { enrich: { fields: { results, failed: { v: 0 } } } }
      })
      const lines = fs.readFileSync(at("rows.jsonl"), "utf8").trimEnd().split("\n")
      assert.deepStrictEqual(
        lines.map((line) =>
          JSON.parse(line)
        ),
        parts.flat()
      )
      assert.strictEqual((output as { readonly bytes: number }).bytes, fs.statSync(at("rows.jsonl")).size)
      assert.strictEqual(blobs.reads.length, 20)
    }))

  it.effect("leaves what was there when the content cannot be read to its end", () =>
    Effect.gen(function*() {
      const { at, root, stepType } = yield* makePlace
      yield* giving(stepType, file("rows.jsonl", [1]))
      const blobs = new TestBlobs()
      const lost = new TestBlobs().put(["lost"])
      const results: Value = { chunks: [{ ...blobs.put([2]), n: 1 }, { ...lost, n: 1 }], count: 2 }
      const error = yield* failing(stepType, file("rows.jsonl", "${ needs.enrich.results }", "jsonl"), {
        blobs,
        nodes: { enrich: { fields: { results } } }
      })
      assert.strictEqual(error.code, "BLOB_MISSING")
      assert.strictEqual(fs.readFileSync(at("rows.jsonl"), "utf8"), "1\n")
      assert.deepStrictEqual(everything(root), ["rows.jsonl"])
    }))

  it.effect("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function*() {
      const { root } = yield* makePlace
      const writing = yield* Deferred.make<void>()
      const content = Stream.concat(
        Stream.succeed(Buffer.from("half")),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(writing, undefined), Effect.never))
      )
      const fiber = yield* Effect.forkChild(OutputFile.write(root, ["a.txt"], "tag", content))
      yield* Deferred.await(writing)
      assert.strictEqual(everything(root).length, 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(everything(root), [])
    }))

  it.effect("finishes what a writer that died has left", () =>
    Effect.gen(function*() {
      const { at, root } = yield* makePlace
      fs.mkdirSync(root)
      fs.writeFileSync(at(`${OutputPath.temporaryPrefix}tag.part`), "left behind")
      yield* OutputFile.write(root, ["a.txt"], "tag", Stream.succeed(Buffer.from("new")))
      assert.deepStrictEqual(everything(root), ["a.txt"])
      assert.strictEqual(fs.readFileSync(at("a.txt"), "utf8"), "new")
    }))

  it.effect("never puts another delivery's half file in place", () =>
    Effect.gen(function*() {
      const { at, root } = yield* makePlace
      const content = Stream.fromEffect(Effect.sync(() => {
        const part = at(`${OutputPath.temporaryPrefix}tag.part`)
        fs.unlinkSync(part)
        fs.writeFileSync(part, "half of anoth")
        return Buffer.from("mine")
      }))
      const error = yield* Effect.flip(OutputFile.write(root, ["a.txt"], "tag", content))
      assert.deepStrictEqual([error.code, error.retryable], ["FILE_CONTENDED", true])
      assert.isFalse(fs.existsSync(at("a.txt")))
    }))
})

describe("file paths", () => {
  const refused: ReadonlyArray<string> = [
    "",
    "/etc/passwd",
    "../beside",
    "a/../../beside",
    "a/..",
    "..",
    ".",
    "./a",
    "a//b",
    "a/",
    "a\0b",
    "a\nb",
    "C:\\x",
    "c:x",
    "\\\\server\\share",
    "a\\..\\b",
    "con",
    "CON.txt",
    "nul.tar.gz",
    "a/LPT1",
    "com\u00b9.log",
    "a.",
    "a ",
    "a:stream",
    "a|b",
    "\uD800",
    "x".repeat(201),
    "d/".repeat(16) + "x",
    ".baton-tag.part"
  ]
  for (const path of refused) {
    it.effect(`refuses ${JSON.stringify(path.slice(0, 40))}`, () =>
      Effect.gen(function*() {
        const { folder, stepType } = yield* makePlace
        const error = yield* failing(stepType, file("${ input }", "x"), { roots: { input: { v: path } } })
        assert.deepStrictEqual([error.code, error.kind, error.retryable], ["PATH_REFUSED", "io", false])
        assert.deepStrictEqual(everything(folder), ["beside"])
      }))
  }

  it("takes ordinary names in any script", () => {
    for (const path of ["a", "a.b.c", "ordner/übung (2).md", "日本/語.txt", "..a", "a..b", ".hidden", "console.log"]) {
      assert.isTrue(Result.isSuccess(OutputPath.parse(path)), path)
    }
  })

  const Nasty = Schema.Array(Schema.Union([
    Schema.Literals(["..", ".", "/", "\\", "\0", "beside", "link", "real", "a", "C:", "~", "%2e%2e", "con", " ", ""]),
    Schema.String
  ]))

  it.effect.prop(
    "writes nothing outside the root, whatever the path is",
    [Nasty, Schema.Literals(["/", ""])],
    ([parts, glue]) =>
      Effect.gen(function*() {
        const { at, folder, root, stepType } = yield* makePlace
        fs.mkdirSync(at("real"), { recursive: true })
        fs.mkdirSync(Path.join(folder, "elsewhere"))
        fs.symlinkSync(Path.join(folder, "elsewhere"), at("link"))
        const path = parts.join(glue)
        const outcome = yield* run(stepType, file("${ input }", "x"), { roots: { input: { v: path } } })
        const outside = everything(folder).filter((name) => !name.startsWith("output"))
        assert.deepStrictEqual(outside, ["beside", "elsewhere"])
        assert.strictEqual(fs.readFileSync(Path.join(folder, "beside"), "utf8"), "untouched")
        const files = everything(root).filter((name) => fs.lstatSync(at(name)).isFile())
        assert.deepStrictEqual(files.map((name) => Buffer.from(name).toString()), outcome.outcome.ok ? [path] : [])
      })
  )
})

describe("file links and folders", () => {
  const refuses = (what: string, prepare: (place: { folder: string; root: string }) => void, path: string) =>
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function*() {
        const { folder, root, stepType } = yield* makePlace
        fs.mkdirSync(root)
        fs.mkdirSync(Path.join(folder, "elsewhere"))
        prepare({ folder, root })
        const before = everything(folder)
        const error = yield* failing(stepType, file(path, "x"))
        assert.deepStrictEqual([error.code, error.kind, error.retryable], ["PATH_REFUSED", "io", false])
        assert.deepStrictEqual(everything(folder), before)
        assert.strictEqual(fs.readFileSync(Path.join(folder, "beside"), "utf8"), "untouched")
      }))

  refuses(
    "a link to a folder",
    ({ folder, root }) => fs.symlinkSync(Path.join(folder, "elsewhere"), Path.join(root, "a")),
    "a/b.txt"
  )
  refuses("a link to a folder further down", ({ folder, root }) => {
    fs.mkdirSync(Path.join(root, "a"))
    fs.symlinkSync(Path.join(folder, "elsewhere"), Path.join(root, "a/b"))
  }, "a/b/c.txt")
  refuses("a link to a folder inside the root", ({ root }) => {
    fs.mkdirSync(Path.join(root, "real"))
    fs.symlinkSync(Path.join(root, "real"), Path.join(root, "a"))
  }, "a/b.txt")
  refuses(
    "a link in place of the file",
    ({ folder, root }) => fs.symlinkSync(Path.join(folder, "beside"), Path.join(root, "a.txt")),
    "a.txt"
  )
  refuses("a link that leads nowhere", ({ root }) => fs.symlinkSync("nowhere", Path.join(root, "a.txt")), "a.txt")
  refuses("a folder in place of the file", ({ root }) => fs.mkdirSync(Path.join(root, "a.txt")), "a.txt")
  refuses("a file in place of a folder", ({ root }) => fs.writeFileSync(Path.join(root, "a"), "f"), "a/b.txt")

  it.effect("stays in the folder it has opened when that is exchanged for a link meanwhile", () =>
    Effect.gen(function*() {
      const { at, folder, root } = yield* makePlace
      const elsewhere = Path.join(folder, "elsewhere")
      fs.mkdirSync(elsewhere)
      const content = Stream.fromEffect(Effect.sync(() => {
        fs.renameSync(at("a"), at("moved"))
        fs.symlinkSync(elsewhere, at("a"))
        return Buffer.from("x")
      }))
      yield* Effect.result(OutputFile.write(root, ["a", "b.txt"], "tag", content))
      assert.deepStrictEqual(fs.readdirSync(elsewhere), [])
      if (process.platform === "linux") assert.strictEqual(fs.readFileSync(at("moved/b.txt"), "utf8"), "x")
    }))

  it.effect("works where the root itself is a link: that is the operator's choice", () =>
    Effect.gen(function*() {
      const { folder, root, stepType } = yield* makePlace
      fs.mkdirSync(Path.join(folder, "disk"))
      fs.symlinkSync(Path.join(folder, "disk"), root)
      yield* giving(stepType, file("a/b.txt", "x"))
      assert.strictEqual(fs.readFileSync(Path.join(folder, "disk/a/b.txt"), "utf8"), "x")
    }))
})

describe("file system failures", () => {
  /** A device that is always full, where the system has one. */
  it.effect.runIf(fs.existsSync("/dev/full"))("names a full disk", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(Effect.tryPromise({
        try: () => fs.promises.writeFile("/dev/full", "x"),
        catch: OutputFile.stepError
      }))
      assert.deepStrictEqual([failed.code, failed.kind, failed.retryable], ["DISK_FULL", "io", true])
    }))

  for (
    const [errno, code, retryable] of [
      ["ENOSPC", "DISK_FULL", true],
      ["EDQUOT", "DISK_FULL", true],
      ["EROFS", "READ_ONLY", false],
      ["EACCES", "PERMISSION_DENIED", false],
      ["EPERM", "PERMISSION_DENIED", false],
      ["ELOOP", "PATH_REFUSED", false],
      ["ENOTDIR", "PATH_REFUSED", false],
      ["ENAMETOOLONG", "PATH_REFUSED", false],
      ["EMFILE", "FILE_FAILED", true]
    ] as const
  ) {
    it(`reports ${errno} as ${code}, without a path of the machine`, () => {
      const error = OutputFile.stepError(Object.assign(new Error(`${errno}: at /secret/place`), { code: errno }))
      assert.deepStrictEqual([error.code, error.kind, error.retryable], [code, "io", retryable])
      assert.isFalse(error.message.includes("/secret"))
    })
  }
})

/** Documents of every kind: what is read, where it stands, and what is skipped or refused with which reason. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Finding } from "../../src/research/Evidence.ts"
import { CorpusLimits, type ResearchConfig } from "../../src/research/ResearchConfig.ts"
import { ask, extractive, outputOf, type Research, research, scratch } from "./ResearchDesk.ts"
import * as SampleFiles from "./SampleFiles.ts"

/** Researches one task on files that are written first; paths are relative to the scratch folder. */
const investigate = Effect.fnUntraced(function*(
  written: Record<string, string | Uint8Array>,
  question: string,
  files: ReadonlyArray<string> = ["docs"],
  more: (folder: string) => Partial<ResearchConfig> = () => ({})
) {
  const folder = yield* scratch
  mkdirSync(join(folder, "docs"), { recursive: true })
  for (const [name, content] of Object.entries(written)) {
    mkdirSync(join(folder, "docs", name, ".."), { recursive: true })
    writeFileSync(join(folder, "docs", name), content)
  }
  return outputOf<Research>(yield* ask(extractive(folder, more(folder)), "researcher", { task: question, files }))
})

const best = (found: Research): Finding => {
  const finding = found.findings[0]
  assert.isDefined(finding, found.gaps.join("\n"))
  return finding!
}

const failing = (effect: ReturnType<typeof investigate>) =>
  Effect.map(Effect.flip(effect), (error) => (error as { code?: string }).code)

const lease = "A worker lease expires after thirty seconds without a heartbeat."
const question = "When does a worker lease expire?"

it.live("names the exact lines of a sentence that is wrapped over lines", () =>
  Effect.gen(function*() {
    const text =
      "---\ntitle: Guide\n---\n\n# Work\n\nFirst words here come before.\nA worker lease expires after\nthirty seconds without a heartbeat.\nMore.\n"
    const { quote, source } = best(yield* investigate({ "guide.md": text }, question))
    assert.deepStrictEqual(source.locator, { lines: { from: 8, to: 9 } })
    assert.strictEqual(quote, lease)
    assert.deepStrictEqual([source.title, ...source.headings], ["Guide", "Work"])
  }).pipe(Effect.scoped))

it.live("keeps a list item, a table row with its header, and code with its caption", () =>
  Effect.gen(function*() {
    const text = [
      "# Ports",
      "The gateway listens on these:",
      "- gateway port 8080",
      "",
      "| service | port |",
      "| --- | --- |",
      "| metrics exporter | 9464 |",
      "",
      "Start the gateway like this:",
      "```sh",
      "gateway --listen 8080",
      "```"
    ].join("\n")
    const { findings } = yield* investigate({ "ports.md": text }, "Which port has the gateway service?")
    const claims = findings.map((finding) => `${finding.kind}: ${finding.claim}`)
    assert.include(claims, "item: The gateway listens on these: gateway port 8080")
    const starting = yield* investigate({ "ports.md": text }, "How do I start the gateway?")
    const code = starting.findings.find((finding) => finding.kind === "code")
    assert.deepStrictEqual([code?.claim, code?.quote], ["Start the gateway like this:", "gateway --listen 8080"])
    const rows = yield* investigate({ "ports.md": text }, "Which port has the metrics exporter?")
    assert.include(rows.findings.map((finding) => finding.claim), "metrics exporter; port: 9464")
  }).pipe(Effect.scoped))

it.live("reads HTML without its navigation and scripts", () =>
  Effect.gen(function*() {
    const html =
      `<!doctype html><html><head><title>Manual</title><script>lease("worker lease expire")</script></head><body>
      <nav><a href="/">worker lease expire</a></nav><main><h1>Leases</h1><p>${lease}</p><p>${
        "Other words. ".repeat(30)
      }</p></main></body></html>`
    const finding = best(yield* investigate({ "manual.html": html }, question))
    assert.strictEqual(finding.quote, lease)
    assert.strictEqual(finding.source.title, "Manual")
    assert.property(finding.source.locator, "paragraph")
  }).pipe(Effect.scoped))

it.live("reads PDF with page numbers and headings", () =>
  Effect.gen(function*() {
    const bytes = SampleFiles.pdf([["Introduction", "This text is about other things altogether."], ["Leases", lease]])
    const finding = best(yield* investigate({ "manual.pdf": bytes }, question))
    assert.deepStrictEqual(finding.source.locator, { page: 2 })
    assert.strictEqual(finding.quote, lease)
    assert.deepStrictEqual(finding.source.headings, ["Leases"])
  }).pipe(Effect.scoped))

it.live("reads DOCX with its headings", () =>
  Effect.gen(function*() {
    const finding = best(yield* investigate({ "manual.docx": SampleFiles.docx(["# Leases", lease]) }, question))
    assert.strictEqual(finding.quote, lease)
    assert.deepStrictEqual(finding.source.headings, ["Leases"])
  }).pipe(Effect.scoped))

it.live("goes by content where a name lies", () =>
  Effect.gen(function*() {
    const found = yield* investigate({
      "text.md": SampleFiles.pdf([["Leases", lease]]),
      "page.txt": `<!doctype html><html><body><p>${lease.replace("thirty", "forty")}</p></body></html>`
    }, question)
    assert.deepStrictEqual(found.corpus.skipped, [])
    assert.deepStrictEqual(
      new Set(found.findings.map(({ source }) => Object.keys(source.locator)[0])),
      new Set(["page", "paragraph"])
    )
  }).pipe(Effect.scoped))

it.live("reads UTF-16 with a byte order mark, and words with accents however they are typed", () =>
  Effect.gen(function*() {
    const text = Buffer.from("\ufeffLe café Zürich ouvre ses portes à huit heures chaque matin.", "utf16le")
    assert.include(best(yield* investigate({ "cafe.txt": text }, "cafe Zurich ouvre portes")).quote, "café Zürich")
  }).pipe(Effect.scoped))

it.live("finds words of scripts that are written without spaces", () =>
  Effect.gen(function*() {
    const text = "# 租约\n\n工作进程的租约在三十秒后过期。\n\n数据库每天晚上备份一次。\n"
    assert.include(best(yield* investigate({ "lease.md": text }, "租约 过期")).quote, "租约在三十秒后过期")
  }).pipe(Effect.scoped))

it.live("finds words of other alphabets, with and without their marks", () =>
  Effect.gen(function*() {
    const sentences = [
      ["аренда ещё действует", "Аренда рабочего процесса истекает, если она ещё не продлена вовремя."],
      ["λήγει η μίσθωση", "Η μίσθωση του εργάτη λήγει μετά από τριάντα δευτερόλεπτα σιωπής."],
      ["किराया समाप्त होता है", "कार्यकर्ता का किराया तीस सेकंड के बाद समाप्त होता है।"]
    ] as const
    for (const [asked, sentence] of sentences) {
      const { quote } = best(
        yield* investigate({ "a.md": sentence, "b.md": "Other words stand here, four or more." }, asked)
      )
      assert.strictEqual(quote, sentence)
    }
  }).pipe(Effect.scoped))

it.live("skips what cannot be read, says why, and answers from the rest", () =>
  Effect.gen(function*() {
    const { corpus } = yield* investigate({
      "good.md": lease,
      "binary.md": Buffer.from([0x4d, 0x5a, 0, 1, 2, 3, 0, 0]),
      "latin.txt": Buffer.from("Die T\u00fcr ist zu und bleibt zu.", "latin1"),
      "empty.md": "",
      "corrupt.pdf": "%PDF-1.7\nthis is not a PDF",
      "locked.pdf": SampleFiles.pdf([["Secret", "words"]], { encrypted: true }),
      "named.pdf": "plain text",
      "bomb.docx": SampleFiles.docx(["text"], 3_000_000_000),
      "cut.docx": SampleFiles.docx(["some text"]).subarray(0, 300)
    }, question)
    const reasons = Object.fromEntries(corpus.skipped.map(({ reason, uri }) => [uri, reason]))
    assert.deepStrictEqual(reasons, {
      "docs/binary.md": "a binary file",
      "docs/bomb.docx": "it unpacks to 15000000000 bytes; at most 67108864 are read",
      "docs/corrupt.pdf": "a corrupt PDF",
      "docs/cut.docx": "a truncated DOCX document: its ZIP directory is missing",
      "docs/empty.md": "it is empty",
      "docs/latin.txt": "not valid UTF-8, and no byte order mark names another encoding; save it as UTF-8",
      "docs/locked.pdf": "an encrypted PDF: it needs a password",
      "docs/named.pdf": "named .pdf, but it does not start as a PDF does"
    })
    assert.strictEqual(corpus.documents, 1)
  }).pipe(Effect.scoped))

it.live("counts files of other kinds instead of naming each", () =>
  Effect.gen(function*() {
    const { corpus } = yield* investigate({ "good.md": lease, "a.png": "x", "b.png": "x", "c.ts": "x" }, question)
    assert.deepStrictEqual(corpus.notes, ["3 files of other kinds in the folders were not read (.png 2, .ts 1)"])
  }).pipe(Effect.scoped))

it.live("skips a document that is too large, and refuses when nothing else is there", () =>
  Effect.gen(function*() {
    const small = Effect.provideService(CorpusLimits, { ...(yield* CorpusLimits), documentBytesMax: 200 })
    const files = { "good.md": lease, "large.md": lease.repeat(10) }
    const { corpus } = yield* small(investigate(files, question))
    assert.deepStrictEqual(corpus.skipped, [
      { uri: "docs/large.md", code: "DOCUMENT_TOO_LARGE", reason: "it has 640 bytes; at most 200 are read" }
    ])
    assert.strictEqual(
      yield* failing(small(investigate({ "large.md": lease.repeat(10) }, question))),
      "DOCUMENT_TOO_LARGE"
    )
  }).pipe(Effect.scoped))

it.live("refuses before any work when there are too many documents, entries or paths", () =>
  Effect.gen(function*() {
    const limits = yield* CorpusLimits
    const files = { "a.md": lease, "b.md": lease, "c.md": lease }
    for (const tight of [{ documentsMax: 2 }, { corpusBytesMax: 100 }, { entriesMax: 2 }]) {
      const run = investigate(files, question).pipe(Effect.provideService(CorpusLimits, { ...limits, ...tight }))
      assert.strictEqual(yield* failing(run), "CORPUS_TOO_LARGE")
    }
    const many = investigate(files, question, ["docs", "docs"]).pipe(
      Effect.provideService(CorpusLimits, { ...limits, selectorsMax: 1 })
    )
    assert.strictEqual(yield* failing(many), "FILES_REFUSED")
  }).pipe(Effect.scoped))

it.live("tells a missing file, an empty folder and an unreadable one apart", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* failing(investigate({}, question, ["nowhere.md"])), "FILES_NOT_FOUND")
    assert.strictEqual(yield* failing(investigate({ "a.md": lease }, question, ["docs/*.txt"])), "FILES_NOT_FOUND")
    assert.strictEqual(yield* failing(investigate({}, question)), "CORPUS_EMPTY")
    assert.strictEqual(yield* failing(investigate({ "a.bin": "x" }, question)), "CORPUS_EMPTY")
    assert.strictEqual(yield* failing(investigate({ "a.md": "\u0000\u0000" }, question)), "DOCUMENT_UNREADABLE")
    assert.strictEqual(yield* failing(investigate({ "a.md": "# Only a heading" }, question)), "CORPUS_EMPTY")
    assert.strictEqual(yield* failing(investigate({ "a.md": lease }, question, ["docs/a\u0000.md"])), "FILES_REFUSED")
    assert.strictEqual(yield* failing(investigate({ "a.md": lease }, question, ["/dev/null"])), "FILES_REFUSED")
  }).pipe(Effect.scoped))

it.live("expands globs, takes overlapping paths once, and leaves hidden folders and node_modules alone", () =>
  Effect.gen(function*() {
    const files = {
      "a.md": lease,
      "sub/b.md": lease,
      "sub/c.txt": lease,
      ".hidden/d.md": lease,
      "node_modules/e.md": lease
    }
    const documents = (selectors: ReadonlyArray<string>) =>
      Effect.map(investigate(files, question, selectors), ({ corpus }) => corpus.documents)
    assert.strictEqual(yield* documents(["docs"]), 3)
    assert.strictEqual(yield* documents(["docs/**/*.md"]), 2)
    assert.strictEqual(yield* documents(["docs/*.md", "docs/a.md", "docs"]), 3)
    assert.strictEqual(yield* documents(["docs/{a,x}.md"]), 1)
  }).pipe(Effect.scoped))

it.live("reads nothing outside the operator's root, not through links either", () =>
  Effect.gen(function*() {
    const rooted = (folder: string) => ({ root: join(folder, "docs") })
    const { corpus } = yield* investigate({ "a.md": lease }, question, ["a.md"], rooted)
    assert.strictEqual(corpus.documents, 1)
    assert.strictEqual(
      yield* failing(investigate({ "a.md": lease }, question, ["../secret.md"], rooted)),
      "FILES_REFUSED"
    )
    assert.strictEqual(
      yield* failing(investigate({ "a.md": lease }, question, ["/etc/passwd"], rooted)),
      "FILES_REFUSED"
    )
    const linking = (folder: string) => {
      writeFileSync(join(folder, "secret.md"), lease)
      symlinkSync(join(folder, "secret.md"), join(folder, "docs", "link.md"))
      return rooted(folder)
    }
    assert.strictEqual(yield* failing(investigate({ "a.md": lease }, question, ["."], linking)), "FILES_REFUSED")
  }).pipe(Effect.scoped))

it.live("lets nothing in a document become markup of the report", () =>
  Effect.gen(function*() {
    const folder = yield* scratch
    const hostile =
      "A worker lease expires when <script>alert(1)</script> ![x](http://evil.invalid/?q=1) **the [clock](javascript:1) stops** <img src=x onerror=y> for a worker."
    writeFileSync(join(folder, "h.md"), `# Lease <b>\n\n${hostile}\n`)
    const { report } = yield* research(extractive(folder), "When does a worker <script>x</script> lease\n# expire?", [
      "h.md"
    ])
    assert.notMatch(report.markdown, /<script|<img|!\[|javascript:|evil\.invalid|^# expire/m)
    assert.match(report.markdown, /A worker lease expires when alert\(1\)/)
  }).pipe(Effect.scoped))

/** Small files of each kind, made byte by byte, so that the tests need no binary fixtures. */
import { crc32 } from "node:zlib"

/** A PDF with one line of text per entry and page; `encrypted` adds a password that nobody knows. */
export const pdf = (
  pages: ReadonlyArray<ReadonlyArray<string>>,
  options: { readonly encrypted?: boolean } = {}
): Uint8Array => {
  const objects: Array<string> = []
  const add = (body: string) => objects.push(body)
  const kids = pages.map((_, page) => `${4 + page * 2} 0 R`).join(" ")
  add("<< /Type /Catalog /Pages 2 0 R >>")
  add(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`)
  add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
  for (const [page, lines] of pages.entries()) {
    const text = lines.map((line, at) => `BT /F1 ${at === 0 ? 20 : 11} Tf 72 ${720 - at * 40} Td (${line}) Tj ET`).join(
      "\n"
    )
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + page * 2} 0 R ` +
        "/Resources << /Font << /F1 3 0 R >> >> >>"
    )
    add(`<< /Length ${text.length} >>\nstream\n${text}\nendstream`)
  }
  const key = "x".repeat(32)
  if (options.encrypted) add(`<< /Filter /Standard /V 1 /R 2 /O (${key}) /U (${key}) /P -4 >>`)
  let body = "%PDF-1.4\n"
  const offsets = objects.map((object, at) => {
    const offset = body.length
    body += `${at + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const xref = body.length
  body += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`
  for (const offset of offsets) body += `${String(offset).padStart(10, "0")} 00000 n \n`
  const encrypt = options.encrypted ? `/Encrypt ${objects.length} 0 R /ID [(a) (a)]` : ""
  body += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${encrypt} >>\nstartxref\n${xref}\n%%EOF\n`
  return Buffer.from(body, "latin1")
}

/** A DOCX whose paragraphs are headings when they start with `# `. `claimed` overrides the size in the ZIP directory. */
export const docx = (paragraphs: ReadonlyArray<string>, claimed?: number): Uint8Array => {
  const body = paragraphs.map((text) => {
    const heading = text.startsWith("# ") ? "<w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr>" : ""
    return `<w:p>${heading}<w:r><w:t>${text.replace(/^# /, "")}</w:t></w:r></w:p>`
  }).join("")
  const xml = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
  const word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
  const types = "http://schemas.openxmlformats.org/package/2006/content-types"
  const relations = "http://schemas.openxmlformats.org/package/2006/relationships"
  const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
  const main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
  const styles = "application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"
  return zip([
    [
      "[Content_Types].xml",
      `${xml}<Types xmlns="${types}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
      `<Override PartName="/word/document.xml" ContentType="${main}"/><Override PartName="/word/styles.xml" ContentType="${styles}"/></Types>`
    ],
    [
      "_rels/.rels",
      `${xml}<Relationships xmlns="${relations}"><Relationship Id="r1" Type="${office}/officeDocument" Target="word/document.xml"/></Relationships>`
    ],
    [
      "word/_rels/document.xml.rels",
      `${xml}<Relationships xmlns="${relations}"><Relationship Id="r1" Type="${office}/styles" Target="styles.xml"/></Relationships>`
    ],
    [
      "word/styles.xml",
      `${xml}<w:styles xmlns:w="${word}"><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>`
    ],
    ["word/document.xml", `${xml}<w:document xmlns:w="${word}"><w:body>${body}</w:body></w:document>`]
  ], claimed)
}

/** A ZIP file without compression (APPNOTE 6.3). */
const zip = (files: ReadonlyArray<readonly [name: string, text: string]>, claimed?: number): Uint8Array => {
  const local: Array<Buffer> = []
  const central: Array<Buffer> = []
  let offset = 0
  for (const [name, text] of files) {
    const data = Buffer.from(text)
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt32LE(crc32(data), 10)
    shared.writeUInt32LE(data.length, 14)
    shared.writeUInt32LE(claimed ?? data.length, 18)
    shared.writeUInt16LE(name.length, 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    const plain = Buffer.from(shared)
    plain.writeUInt32LE(data.length, 18)
    const entry = Buffer.concat([Buffer.from("PK\u0003\u0004"), plain, Buffer.from(name), data])
    local.push(entry)
    central.push(
      Buffer.concat([
        Buffer.from("PK\u0001\u0002"),
        Buffer.from([20, 0]),
        shared,
        tail.subarray(0, 14),
        Buffer.from(name)
      ])
    )
    offset += entry.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write("PK\u0005\u0006", 0, "latin1")
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...local, directory, end])
}

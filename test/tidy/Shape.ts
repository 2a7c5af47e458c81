/** Sizes and names: a file is a sitting, a function is a screen, a module is a noun. */
import * as path from "node:path"
import { type Finding, isShipped, isSuite, roomOf, type SourceFile } from "./Finding.ts"
import * as Syntax from "./Syntax.ts"

/** Lines of one shipped file. */
export const fileLinesMax = 400
/** Lines from the first to the last of one function, with everything nested in it. A suite is a list of tests. */
export const functionLinesMax = 70

/** Words that say nothing anywhere in a name, and those that say nothing as a whole name. */
const hollowWord = /^(utils?|helpers?|managers?|impls?|misc|stuff)$/i
const hollowName = /^(common|commons|types?|interfaces?|services?|cores?|libs?|shared|index)$/i

/** Words of a file or folder name: `RunStoreUtils.test.ts` → Run, Store, Utils. */
const words = (name: string): ReadonlyArray<string> =>
  name.split(".")[0]?.split(/[-_]|(?<=[a-z0-9])(?=[A-Z])/).filter((word) => word !== "") ?? []

/** Entry points that a tool calls by a name it has chosen. */
const entries = /^(packages\/cli\/src\/main\.ts|bench\/main\.ts)$/

export const names = (file: SourceFile): ReadonlyArray<Finding> => {
  if (/(^|\/)(corpora|node_modules|fixtures)\//.test(file.path)) return []
  const finding = (message: string): Finding => ({ rule: "name", path: file.path, line: 1, message })
  const found: Array<Finding> = []
  for (const segment of file.path.split("/")) {
    const whole = segment.split(".")[0] ?? segment
    const word = hollowName.test(whole) ? whole : words(segment).find((_) => hollowWord.test(_))
    if (word !== undefined) found.push(finding(`"${word}" says nothing: name what the module is about`))
  }
  const base = path.posix.basename(file.path)
  const isModule = roomOf(file.path) !== undefined && /\/(src|test)\//.test(file.path) && /\.tsx?$/.test(base)
  if (isModule && !entries.test(file.path) && !/^[A-Z][A-Za-z0-9]*(\.test|\.model)?\.tsx?$/.test(base)) {
    found.push(finding("a module is a noun in PascalCase"))
  }
  return found
}

export const sizes = (file: SourceFile): ReadonlyArray<Finding> => {
  if (!isShipped(file.path) && !/^(bench|test\/tidy)\/.*\.ts$/.test(file.path)) return []
  const found: Array<Finding> = []
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0)
  if (lines > fileLinesMax) {
    const message = `${lines} lines: a file is read in one sitting of at most ${fileLinesMax}; split it by noun`
    found.push({ rule: "file-size", path: file.path, line: 1, message })
  }
  if (isSuite(file.path)) return found
  const tree = Syntax.parse(file)
  Syntax.walk(tree.program, (node) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
    const first = tree.lineAt(node.start)
    const length = tree.lineAt(node.end) - first + 1
    if (length <= functionLinesMax) return
    const message = `a function of ${length} lines: at most ${functionLinesMax}; give its parts names`
    found.push({ rule: "function-size", path: file.path, line: first, message })
  })
  return found
}

/** The tracked files, read once. */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { SourceFile } from "./Finding.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Files are read as text unless they hold a NUL byte or are larger than this. */
const fileBytesMax = 2_000_000

/** Whoever owns the working copy, reading its list of files is safe. */
const list = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]

/** Tracked files and those not yet added, but not what .gitignore leaves out. */
export const paths = (): ReadonlyArray<string> =>
  execFileSync("git", list, { cwd: root, encoding: "utf8", maxBuffer: 64_000_000 })
    .split("\0")
    .filter((path) => path !== "" && existsSync(root + path))

/** Those of the paths that .gitignore leaves out, whether they are there or not; the checks heed it as git does. */
export const ignored = (candidates: ReadonlyArray<string>): ReadonlyArray<string> => {
  const asked = ["-c", "safe.directory=*", "check-ignore", "--no-index", "--", ...candidates]
  const { stdout } = spawnSync("git", asked, { cwd: root, encoding: "utf8" })
  return stdout.split("\n").filter((path) => path !== "")
}

export const read = (path: string): SourceFile | undefined => {
  const bytes = readFileSync(root + path)
  return bytes.length > fileBytesMax || bytes.includes(0) ? undefined : { path, text: bytes.toString("utf8") }
}

/** `promtool` of Prometheus (Debian: `prometheus`), the outside judge of what we show it. */
import { execFileSync, spawnSync } from "node:child_process"

const found = () => {
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

export const isMissing = !found()

/** What it says and how it ends; 0: nothing to say. */
export const run = (
  args: ReadonlyArray<string>,
  input = ""
): { readonly status: number | null; readonly said: string } => {
  const { status, stderr, stdout } = spawnSync("promtool", args, { input, encoding: "utf8", timeout: 30_000 })
  return { status, said: `${stdout}${stderr}` }
}

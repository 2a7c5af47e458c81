// Counts a vitest JSON report and prints `N passed, N failed` as the last line. Exits 1 when anything failed or was left
// out, when nothing ran, or when the run itself ended badly.
import { readFileSync } from "node:fs"

const [file, status] = process.argv.slice(2)

const read = () => {
  try {
    return JSON.parse(readFileSync(file, "utf8"))
  } catch {
    return undefined
  }
}

const report = read()
const tests = report?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
const passed = tests.filter((test) => test.status === "passed").length
const others = tests.filter((test) => test.status !== "passed")
// A file that cannot be loaded has no tests to report, and yet has failed.
const broken = (report?.testResults ?? []).filter((suite) =>
  suite.status === "failed" && suite.assertionResults.length === 0
)

for (const { fullName, status: state } of others) process.stdout.write(`${state}: ${fullName}\n`)
for (const { message, name } of broken) process.stdout.write(`failed: ${name}: ${message}\n`)
if (report === undefined) process.stdout.write("The checks failed before any test ran.\n")

const counted = others.length + broken.length
const failed = counted === 0 && (status !== "0" || passed === 0) ? 1 : counted
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

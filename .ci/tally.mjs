// Counts a vitest JSON report and prints `N passed, N failed` as the last line. Exits 1 when anything failed, when nothing
// ran, or when the run itself ended badly. What was left out is listed, so that nobody takes it for passed.
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
const failures = tests.filter((test) => test.status === "failed")
const leftOut = tests.filter((test) => test.status !== "passed" && test.status !== "failed")
// A file that cannot be loaded has no tests to report, and yet has failed.
const broken = (report?.testResults ?? []).filter((suite) =>
  suite.status === "failed" && suite.assertionResults.length === 0
)

for (const { fullName } of leftOut) process.stdout.write(`left out: ${fullName}\n`)
for (const { fullName } of failures) process.stdout.write(`failed: ${fullName}\n`)
for (const { message, name } of broken) process.stdout.write(`failed: ${name}: ${message}\n`)
if (report === undefined) process.stdout.write("The checks failed before any test ran.\n")

const counted = failures.length + broken.length
const failed = counted === 0 && (status !== "0" || passed === 0) ? 1 : counted
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/**
 * Two tools. What they do to the world is a line in `till.log`. A file `unplug` that names one of them pulls the plug in the
 * middle of its call: the process dies as by a power cut.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs"

const did = (line: string): void => appendFileSync("till.log", `${line}\n`)

const unplug = (tool: string): void => {
  if (existsSync("unplug") && readFileSync("unplug", "utf8").trim() === tool) process.kill(process.pid, "SIGKILL")
}

/** May be asked as often as one likes. */
export const price = Object.assign(
  (): object => {
    did("asked for the price")
    unplug("price")
    return { amount: 7 }
  },
  { description: "The price of what the customer has chosen", effect: "idempotent" }
)

interface Charge {
  readonly amount: number
  readonly customer: string
}

/** Takes money: there is no way back. */
export const charge = Object.assign(
  ({ amount, customer }: Charge): object => {
    did(`charged ${customer} ${amount}`)
    unplug("charge")
    return { receipt: "r-1" }
  },
  {
    description: "Charges a customer",
    effect: "irreversible",
    inputSchema: {
      type: "object",
      required: ["customer", "amount"],
      properties: { customer: { type: "string" }, amount: { type: "number" } }
    }
  }
)

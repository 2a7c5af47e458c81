/** Where a server on a data folder leaves its address, so that commands on that folder find it: `<data>/server.json`. */
import { join } from "node:path"

export const pathOf = (data: string): string => join(data, "server.json")

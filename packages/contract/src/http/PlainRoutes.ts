/**
 * Routes beside the contract's endpoints, and what each needs. A server refuses to start with a route that stands neither
 * here nor in the contract: what nobody has thought about is closed.
 */
import type { Scope } from "./Access.ts"

export const plainRoutes: { readonly [route: string]: Scope | "public" } = {
  "GET /openapi.json": "public",
  "GET /docs": "public"
}

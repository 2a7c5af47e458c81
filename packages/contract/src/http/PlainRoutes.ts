/**
 * Routes beside the contract's endpoints, and what each needs. A server refuses to start with a route that stands neither
 * here nor in the contract: what nobody has thought about is closed.
 */
import type { Need } from "./Access.ts"

export const plainRoutes: { readonly [route: string]: Need } = {
  "GET /openapi.json": "public",
  "GET /docs": "public",
  // The token in the path is the credential.
  "GET /approve/:token": "public",
  "POST /approve/:token": "public"
}

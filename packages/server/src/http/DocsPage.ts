/** The reference page: one file that needs no other, whose scripts are named by a nonce. */
import { Api } from "@baton/contract/http/Api"
import * as Effect from "effect/Effect"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Page from "../access/Page.ts"

const path = "/docs"

/**
 * Nothing that leads out of this server, or asks for what is not here. The library knows more settings than its type does.
 */
const settings = {
  withDefaultFonts: false,
  favicon: "data:,",
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true }
}

const withoutScripts =
  "<noscript><p>This page needs scripts. What it shows is also in <a href=\"/openapi.json\">openapi.json</a>.</p></noscript>"

/** The page as the library makes it, in pieces between which the nonce goes. */
const pieces = Effect.gen(function*() {
  let page: HttpServerResponse.HttpServerResponse | undefined
  const router = yield* HttpRouter.make
  const catcher: HttpRouter.HttpRouter = {
    ...router,
    add: (_method, _path, handler) =>
      Effect.isEffect(handler)
        ? Effect.map(handler as Effect.Effect<HttpServerResponse.HttpServerResponse>, (response) => {
          page = response
        })
        : Effect.void
  }
  yield* Layer.build(
    HttpApiScalar.layer(Api, { path, scalar: settings }).pipe(
      Layer.provide(Layer.succeed(HttpRouter.HttpRouter, catcher))
    )
  )
  const made = page?.body._tag === "Uint8Array" ? page.body.text ?? "" : ""
  const html = made.replace("<html>", "<html lang=\"en\">").replace("<body>", `<body>\n${withoutScripts}`)
  const library = html.indexOf("<script>")
  const start = html.lastIndexOf("<script>")
  if (library < 0 || start <= library) {
    return yield* Effect.die(new Error("the reference page has another shape"))
  }
  const before = "<script".length
  return [html.slice(0, library + before), html.slice(library + before, start + before), html.slice(start + before)]
})

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const parts = yield* Effect.scoped(pieces)
  yield* router.add(
    "GET",
    path,
    Effect.sync(() => {
      const nonce = Page.nonce()
      return HttpServerResponse.text(parts.join(` nonce="${nonce}"`), {
        contentType: "text/html; charset=utf-8",
        headers: Page.headers({
          script: `'nonce-${nonce}'`,
          style: "'unsafe-inline'",
          image: "'self' data:",
          font: "'self' data:",
          connect: "'self'"
        })
      })
    })
  )
}))

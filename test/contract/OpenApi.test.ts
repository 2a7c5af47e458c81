/** The OpenAPI document: clean for others, complete for readers, and the same in the repository as in the program. */
import SwaggerParser from "@apidevtools/swagger-parser"
import { Needs } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import * as Examples from "@baton/contract/http/Examples"
import { allKinds, problemKinds } from "@baton/contract/http/ProblemKinds"
import * as Problems from "@baton/contract/http/Problems"
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Json } from "@baton/kernel/Value"
import { Validator } from "@seriousme/openapi-schema-validator"
import * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"

// oxlint-disable-next-line typescript/no-explicit-any -- a document of another schema, looked at by its members
const document = (): any => JSON.parse(JSON.stringify(OpenApi.fromApi(Api)))

interface Operation {
  readonly summary?: string
  readonly security?: ReadonlyArray<object>
  readonly responses: { readonly [status: string]: unknown }
}

interface Body {
  readonly content: {
    readonly "application/json": {
      readonly schema: object
      readonly examples?: { readonly [name: string]: { readonly value: Json } }
    }
  }
}

const methods = ["get", "post", "put", "patch", "delete"]

const operations = (): ReadonlyMap<string, Operation> =>
  new Map(
    Object.entries(document().paths as { [path: string]: { [method: string]: Operation } }).flatMap(([path, item]) =>
      Object.entries(item).filter(([method]) => methods.includes(method)).map(([method, operation]) =>
        [`${method.toUpperCase()} ${path}`, operation] as const
      )
    )
  )

/** What each route needs, by the contract. */
const needs = (): ReadonlyMap<string, string | undefined> => {
  const found = new Map<string, string | undefined>()
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}")
      found.set(`${endpoint.method} ${path}`, Context.get(endpoint.annotations, Needs))
    }
  })
  return found
}

describe("the OpenAPI document", () => {
  it("is the one in the reference (npm run openapi writes it)", () => {
    const written = readFileSync(new URL("../../docs/reference/openapi.json", import.meta.url), "utf8")
    assert.deepStrictEqual(JSON.parse(written), document())
  })

  it("is clean for two validators", { timeout: 120_000 }, async () => {
    const { errors, valid } = await new Validator().validate(document())
    assert.isTrue(valid, JSON.stringify(errors)?.slice(0, 2_000))
    const parsed = await SwaggerParser.validate(document())
    assert.strictEqual("openapi" in parsed ? parsed.openapi : "", "3.1.0")
  })

  it("tells of every route what it does, what it needs, and every problem that it may answer", () => {
    const routes = needs()
    const told = operations()
    assert.deepStrictEqual([...told.keys()].toSorted(), [...routes.keys()].toSorted())
    for (const [route, { responses, security = [], summary = "" }] of told) {
      assert.isAbove(summary.length, 5, route)
      assert.strictEqual(security.length > 0, routes.get(route) !== "public", `${route}: security`)
      for (const [kind, { status }] of Object.entries(allKinds)) {
        if (kind === "upgrade-required" && route !== "GET /ws") continue
        assert.property(responses, String(status), `${route} ${kind}`)
      }
    }
  })

  it("has requests as examples that their own schemas take, for all operations that it names", () => {
    const { components, paths } = document()
    const defs = JSON.parse(JSON.stringify(components.schemas).replaceAll("#/components/schemas/", "#/$defs/"))
    const seen = new Set<string>()
    for (const item of Object.values<{ [method: string]: { operationId: string; requestBody?: Body } }>(paths)) {
      for (const { operationId, requestBody } of Object.values(item)) {
        const { examples = {}, schema } = requestBody?.content["application/json"] ?? {}
        const own = JSON.parse(JSON.stringify(schema ?? {}).replaceAll("#/components/schemas/", "#/$defs/"))
        for (const [name, { value }] of Object.entries(examples)) {
          seen.add(operationId)
          const problems = JsonSchema.validate({ ...own, $defs: defs }, value)
          assert.deepStrictEqual(problems, [], `${operationId} ${name}`)
        }
      }
    }
    assert.sameMembers([...seen], Object.keys(Examples.requests))
  })

  it("tells of streams, of places, and of bodies that may be left out", () => {
    const { paths } = document()
    for (const list of ["events", "logs"]) {
      assert.property(paths[`/api/v1/runs/{id}/${list}`].get.responses["200"].content, "text/event-stream")
    }
    assert.property(paths["/api/v1/runs"].post.responses["201"].headers, "Location")
    assert.isFalse(paths["/api/v1/runs/{id}/cancel"].post.requestBody.required)
    assert.isTrue(paths["/api/v1/runs"].post.requestBody.required)
  })

  it("knows every kind of problem", () => {
    const types = document().components.schemas as {
      [name: string]: { properties?: { type?: { enum?: Array<string> } } }
    }
    const told = Object.values(types).flatMap(({ properties }) => properties?.type?.enum ?? [])
      .filter((type) => type.startsWith("/problems/"))
    assert.sameMembers([...new Set(told)], Object.keys(problemKinds).map((kind) => `/problems/${kind}`))
    assert.strictEqual(Problems.problems.length, Object.keys(problemKinds).length)
  })
})

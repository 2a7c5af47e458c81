/** Keys and the audit log over HTTP. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { AuditClient } from "../AuditClient.ts"
import { KeysClient } from "../KeysClient.ts"
import { LinksClient } from "../LinksClient.ts"
import * as Remote from "./Remote.ts"

const keys = (remote: Remote.Remote): KeysClient["Service"] => {
  const { keys } = remote.endpoints
  return KeysClient.of({
    create: (payload) => Remote.answer(remote, keys.create({ payload })),
    list: (query) => Effect.map(Remote.answer(remote, keys.list({ query })), ({ items }) => items),
    rotate: (id, { graceMs, tenant }) =>
      Remote.answer(
        remote,
        keys.rotate({
          params: { id },
          query: tenant === undefined ? {} : { tenant },
          payload: graceMs === undefined ? {} : { graceMs }
        })
      ),
    revoke: (id, query) => Remote.answer(remote, keys.revoke({ params: { id }, query }))
  })
}

const audit = (remote: Remote.Remote): AuditClient["Service"] => {
  const { audit } = remote.endpoints
  return AuditClient.of({
    list: ({ before, ...query }) =>
      Effect.map(
        Remote.answer(
          remote,
          audit.list({ query: { ...query, ...(before === undefined ? {} : { after: String(before) }) } })
        ),
        ({ items }) => items
      ),
    verify: ({ expected, ...query }) =>
      Remote.answer(
        remote,
        audit.verify({
          query: { ...query, ...(expected === undefined ? {} : { expected: `${expected.seq}:${expected.hash}` }) }
        })
      )
  })
}

const links = (remote: Remote.Remote): LinksClient["Service"] =>
  LinksClient.of({
    create: ({ step, target }, { by, groups, ...payload }) =>
      Remote.asCredential(
        { by, groups },
        Effect.map(
          Remote.answer(
            remote,
            remote.endpoints.links.create({
              params: { target },
              query: step === undefined ? {} : { step },
              payload
            })
          ),
          (link) => ({ ...link, url: link.url ?? `${remote.url}${link.path}` })
        )
      )
  })

export const make = (remote: Remote.Remote): Context.Context<KeysClient | AuditClient | LinksClient> =>
  Context.make(KeysClient, keys(remote)).pipe(
    Context.add(AuditClient, audit(remote)),
    Context.add(LinksClient, links(remote))
  )

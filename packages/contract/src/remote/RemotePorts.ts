/** All ports over HTTP: the same verbs, answers and errors as in process. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { ApprovalsClient, type Target } from "../ApprovalsClient.ts"
import { BlobsClient } from "../BlobsClient.ts"
import { Client, ClientError } from "../Client.ts"
import { FlowsClient } from "../FlowsClient.ts"
import * as FlowReference from "../http/FlowReference.ts"
import { OperatorClient } from "../OperatorClient.ts"
import { PatchesClient, type PatchRef } from "../PatchesClient.ts"
import type { Ports } from "../Ports.ts"
import { ReceiptsClient } from "../ReceiptsClient.ts"
import { SecretsClient } from "../SecretsClient.ts"
import { StoreClient } from "../StoreClient.ts"
import { UsageClient } from "../UsageClient.ts"
import { WebhooksClient } from "../WebhooksClient.ts"
import * as Remote from "./Remote.ts"
import * as RemoteAccess from "./RemoteAccess.ts"
import * as RemoteRuns from "./RemoteRuns.ts"
import * as RemoteWebhooks from "./RemoteWebhooks.ts"

const items = <A>({ items }: { readonly items: ReadonlyArray<A> }): ReadonlyArray<A> => items

const flows = (remote: Remote.Remote): FlowsClient["Service"] => {
  const { flows } = remote.endpoints
  return FlowsClient.of({
    publish: (text, file) => Remote.answer(remote, flows.publish({ payload: { flow: { text, file } } })),
    list: (name) =>
      Effect.map(
        Remote.answer(remote, name === undefined ? flows.list({}) : flows.versions({ params: { name } })),
        items
      ),
    find: (name, version) =>
      Remote.answer(
        remote,
        version === undefined ? flows.find({ params: { name } }) : flows.version({ params: { name, version } })
      )
  })
}

const place = ({ step, target }: Target) => ({ params: { target }, query: step === undefined ? {} : { step } })

const approvals = (remote: Remote.Remote): ApprovalsClient["Service"] => {
  const { approvals } = remote.endpoints
  return ApprovalsClient.of({
    list: ({ closed, kinds, ...query }) =>
      Effect.map(
        Remote.answer(
          remote,
          approvals.list({
            query: {
              ...query,
              ...(kinds === undefined ? {} : { kind: kinds }),
              ...(closed === undefined ? {} : { closed: closed ? "true" : "false" })
            }
          })
        ),
        items
      ),
    show: (target) => Effect.map(Remote.answer(remote, approvals.show(place(target))), ({ body }) => body),
    decide: (target, { by, groups, ...payload }) =>
      Remote.asCredential(
        { by, groups },
        Remote.answer(remote, approvals.decide({ ...place(target), headers: {}, payload }))
      )
  })
}

const ofRun = ({ patch, run }: PatchRef) => ({ params: { patch }, query: run === undefined ? {} : { run } })

const patches = (remote: Remote.Remote): PatchesClient["Service"] => {
  const { patches } = remote.endpoints
  return {
    plan: (run) => Effect.map(Remote.answer(remote, patches.plan({ params: { id: run } })), ({ body }) => body),
    propose: (run, { id: _, ...payload }) =>
      Remote.answer(remote, patches.propose({ params: { id: run }, headers: {}, payload })),
    rehearse: (run, { id: _, ...payload }) =>
      Remote.answer(remote, patches.rehearse({ params: { id: run }, headers: {}, payload })),
    list: (run) =>
      Effect.map(
        Remote.answer(remote, run === undefined ? patches.inReview({}) : patches.list({ params: { id: run } })),
        items
      ),
    show: (ref) => Remote.answer(remote, patches.show(ofRun(ref))),
    decide: (ref, action, { by, comment, groups }) =>
      Remote.asCredential(
        { by, groups },
        Remote.answer(
          remote,
          patches.decide({ ...ofRun(ref), payload: { action, ...(comment === undefined ? {} : { comment }) } })
        )
      ),
    revert: (ref, reason) =>
      Remote.answer(
        remote,
        patches.revert({ ...ofRun(ref), payload: reason === undefined ? {} : { reason } })
      )
  }
}

const operators = (remote: Remote.Remote): OperatorClient["Service"] => {
  const { operators } = remote.endpoints
  const answer = <A>(call: Effect.Effect<A, unknown>) => Remote.answer(remote, call)
  return OperatorClient.of({
    fork: ({ by, flow, id: _, run, ...request }) => {
      const payload = { ...request, ...(flow === undefined ? {} : { flow: FlowReference.fromPort(flow) }) }
      return Remote.asCredential({ by }, answer(operators.fork({ params: { id: run }, headers: {}, payload })))
    },
    retry: ({ by, id: _, run, ...payload }) =>
      Remote.asCredential({ by }, answer(operators.retry({ params: { id: run }, headers: {}, payload }))),
    waits: (reason, limit) => Effect.map(answer(operators.waits({ query: { reason, limit } })), items),
    letters: (query) => Effect.map(answer(operators.letters({ query })), items),
    letter: (id) => answer(operators.letter({ params: { id } })),
    reprocess: (id, { by, ...payload }) =>
      Remote.asCredential({ by }, answer(operators.reprocess({ params: { id }, payload }))),
    discard: (id, note, by) =>
      Remote.asCredential(
        { by },
        answer(operators.discard({ params: { id }, payload: note === undefined ? {} : { note } }))
      )
  })
}

/** A copy is made where the store is. */
const backupElsewhere = (url: string) =>
  new ClientError({
    reason: "invalid",
    code: "NOT_OVER_HTTP",
    message: `a backup is a file beside the store; ${url} does not write files for its callers`,
    hint: "run it on the server's machine: baton backup FILE --server none --data DIR"
  })

const rest = (remote: Remote.Remote) => {
  const { store } = remote.endpoints
  const answer = <A>(call: Effect.Effect<A, unknown>) => Remote.answer(remote, call)
  const usage = UsageClient.of({
    summary: ({ since, ...query }) =>
      answer(store.usage({
        query: {
          ...query,
          ...(since === undefined ? {} : { since: DateTime.formatIso(DateTime.makeUnsafe(since)) })
        }
      })),
    report: (run, path, attempt, used) =>
      answer(store.reportUsage({ params: { id: run, path }, payload: { attempt, usage: used } }))
  })
  const receipts = ReceiptsClient.of({
    stats: Effect.map(answer(store.receipts({})), items),
    clear: (query) => Effect.map(answer(store.clearReceipts({ query })), ({ cleared }) => cleared)
  })
  const secrets = SecretsClient.of({
    set: (name, value, hosts) => answer(store.setSecret({ params: { name }, payload: { value, hosts } })),
    list: Effect.map(answer(store.secrets({})), items),
    remove: (name) => Effect.map(answer(store.removeSecret({ params: { name } })), ({ removed }) => removed)
  })
  return Context.make(UsageClient, usage).pipe(
    Context.add(ReceiptsClient, receipts),
    Context.add(SecretsClient, secrets),
    Context.add(BlobsClient, BlobsClient.of({ read: (ref) => answer(store.blob({ params: { ref } })) })),
    Context.add(
      StoreClient,
      StoreClient.of({
        backup: () => Effect.fail(backupElsewhere(remote.url)),
        diagnose: Effect.map(answer(store.doctor({})), ({ findings }) => findings)
      })
    )
  )
}

export const make = (remote: Remote.Remote): Context.Context<Ports> =>
  Context.mergeAll(
    rest(remote),
    RemoteAccess.make(remote),
    Context.make(Client, RemoteRuns.make(remote)).pipe(
      Context.add(FlowsClient, flows(remote)),
      Context.add(ApprovalsClient, approvals(remote)),
      Context.add(PatchesClient, patches(remote)),
      Context.add(OperatorClient, operators(remote)),
      Context.add(WebhooksClient, RemoteWebhooks.make(remote))
    )
  )

/** The ports of the server at this address. Nothing is asked of it before they are. */
export const layer = (options: Remote.RemoteOptions): Layer.Layer<Ports, ClientError> =>
  Layer.effectContext(Effect.map(Remote.make(options), make)).pipe(Layer.provide(FetchHttpClient.layer))

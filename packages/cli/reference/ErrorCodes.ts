/** Every code of an error: where it comes up, what it means, what to do. A test compares this with the source. */

/** HTTP statuses, or `cli` for what only the command line says, or `delivery` for what a webhook's log says. */
export interface ErrorCode {
  readonly code: string
  readonly status: string
  readonly meaning: string
  readonly advice: string
}

const table = `
ACTOR_FROM_CREDENTIAL | 400 | Who acts comes from the credential. | Leave --as and --group away, or use the key of who acts.
AGENT_UNKNOWN | 400 | The flow has no such agent. | See the flow's agents.
ALLOW_INVALID | 400 | The entry opens nothing that could be opened. | See the page on outgoing calls.
ALREADY_DECIDED | 410 | Somebody has decided already. | Read the decision.
APPROVAL_AMBIGUOUS | 404, 409 | Several approvals of the run wait. | Name the step.
APPROVAL_CHANGED | 409, 412 | What is asked has changed since it was read. | Read it again, then decide.
APPROVAL_NOT_FOUND | 404, 409 | There is no such approval. | baton approvals list
APPROVAL_VOID | 409 | The question is no longer open. | Look at the run.
AUDIT_UNAVAILABLE | 503 | What was asked cannot be recorded; it may have been carried out. | Look at the store, and at what was asked for.
BACKUP_UNWRITABLE | 503 | The copy cannot be written. | Choose a folder that exists and has room.
BLOB_MISSING | 404 | There is no value with this address. | Use an address that a run's document names.
BODY_NOT_UTF8 | 400 | The body is not UTF-8. | Encode it as UTF-8.
BODY_TOO_LARGE | 413 | The body is larger than the limit. | Send less, or raise BATON_LIMITS_BODY_BYTES.
BUDGET_INVALID | 400 | The budget is no amount. | Give tokens, usd, calls, agents or wall time.
COMMENT_REQUIRED | cli | A refusal needs a comment. | Say why.
CONCURRENCY_FULL | 409 | The flow's concurrency key is taken, and it says refuse. | Wait for the other runs, or let it queue.
CONCURRENCY_KEY_INVALID | 400 | The flow's concurrency key cannot be told. | See its expression, and the input and tags it reads.
CONFIG_INVALID | 400 | A setting cannot be what it is. | Give it the form that is named.
CONFIG_UNKNOWN | 400 | There is no such setting. | baton config
CONFIRMATION_NEEDED | cli | The command asks first, and nobody can be asked here. | Add --yes.
CONTENT_ENCODING_UNSUPPORTED | 415 | The body has a content encoding. | Send it uncompressed.
CONTENT_TYPE_UNSUPPORTED | 415 | The content type is not understood. | Send application/json.
CREDENTIALS_LIMITED | 429 | Too many wrong credentials from one address. | Wait for Retry-After.
CREDENTIAL_INVALID | 401 | The key or token is wrong, has expired, or was revoked. | Use another.
CREDENTIAL_MISSING | 401 | The request shows no credential. | Send Authorization: Bearer KEY.
CSRF_HEADER_MISSING | 403 | A page's request lacks the header that only its own code can set. | Send it.
CURSOR_UNKNOWN | 400 | The cursor is none of this list. | Begin anew without it.
DECISION_INVALID | 400 | The decision is none that is offered. | Take one of the options.
DELIVERY_NOT_FOUND | 404 | There is no such delivery. | baton webhooks deliveries
DELIVERY_UNDER_WAY | 409 | The delivery is being made. | Wait for it.
EFFECT_UNDECLARED | 400 | The function has an effect that the node does not tell. | Give the node its effect.
EXPECTATION_UNKNOWN | 417 | The request expects something other than 100-continue. | Leave Expect out.
FILE_EXISTS | 409 | The file is there and is not overwritten. | Choose another name.
FILE_UNREADABLE | cli | The file cannot be read. | Check path and permissions.
FILE_UNWRITABLE | cli | The file cannot be written. | Check path and permissions.
FLAGS_CONFLICT | cli | Two flags exclude each other. | Leave one away.
EVENT_MISSING | delivery | The event that was asked for once more is not there. | Its run may have been removed.
FLOW_CALLS_ITSELF | 400 | The flow calls itself, perhaps through others. | Take one of the calls out.
FLOW_INVALID | 400 | The flow has faults; all are listed. | Mend them.
FLOW_MISSING | 404 | There is no such flow or version. | baton flows list
FLOW_TOO_DEEP | 400 | Flows call each other more deeply than allowed. | Flatten them.
FORK_UNRELATED | 400 | The flow has none of the source run's steps. | Fork with a flow that shares steps.
FORMAT_UNFIT | cli | The command has no such format. | Take one that is named.
FORM_INVALID | 400 | The data does not fit the form. | Mend what is listed.
FUNCTION_UNKNOWN | 400 | No such function is registered. | Start with --handlers FILE.
GONE | 410 | The run's history is no longer there. | Look at newer runs.
HANDLERS_INVALID | 400 | The module of functions cannot be loaded. | Mend it.
HEADERS_TOO_LARGE | 431 | Request line and headers are too large. | Send less.
HEADERS_TOO_MANY | 431 | The request has too many headers. | Send fewer.
HISTORY_PRUNED | 404 | The beginning of the run is no longer there. | Fork at a later event.
HOST_DENIED | 403 | The Host header names no address of this server. | Ask under a known name, or set BATON_HOSTS.
HOST_NEEDS_KEYS | 400 | Others can reach the address, and nobody is asked for a key. | Add --require-keys, or use baton serve.
HOST_UNKNOWN | 503 | The machine has no such address. | Use 127.0.0.1, or 0.0.0.0 for all.
HTTP_STATUS | delivery | The receiver answered with an error. | Look at the receiver.
IDEMPOTENCY_KEY_REUSED | 409 | The key came before with another request. | Give every request a key of its own.
INPUT_AMBIGUOUS | cli | Reading the JSON would change it: a key stands there twice, or a number is too large. | Mend it.
INPUT_INVALID | 400 | The input does not fit the flow's schema. | Mend what is listed.
INPUT_NOT_JSON | cli | The input is no JSON. | Mend it.
INPUT_NOT_OBJECT | 400 | Fields can only be set in an object. | Give an object.
INPUT_TOO_LARGE | cli | The input is larger than the limit. | Give less.
INTERNAL | 500 | A bug in Baton. | Report it with baton doctor --json.
INVALID_VALUE | cli | A flag's value cannot be. | Give the form that is named.
ISSUER_UNREACHABLE | 503 | The token issuer's keys cannot be read. | Look at BATON_JWT_JWKS_URL.
JSON_AMBIGUOUS | 400 | Reading the JSON would change it: a key stands there twice, or a number is too large. | Write the number as text, and each key once.
JSON_NUL | 400 | A text in JSON holds U+0000. | Leave it out.
JSON_SURROGATE | 400 | A text in JSON holds half a character. | Mend the text.
JSON_TOO_DEEP | 400 | JSON in the body nests too deeply. | Flatten it.
KEYS_MAX | 409 | The tenant has as many keys as it may have. | Revoke one.
KEY_ENDED | 409 | The key has expired or was revoked. | Make a new one.
KEY_INVALID | 400 | The request for a key is wrong. | Mend what is told.
KEY_MALFORMED | 400 | The key holds characters that no key has. | Set BATON_API_KEY to the key alone.
KEY_NOT_FOUND | 404 | There is no such key. | List the keys.
KEY_OVER_HTTP | 400 | A key is not sent over http to another machine. | Use https, or a tunnel to a port of this machine.
KEY_REPLACED | 409 | The key was replaced already. | Use its successor.
KEY_ROTATING | 409 | Two keys live already. | End the older one first.
LETTER_NOT_FOUND | 404 | There is no such dead letter. | baton deadletters list
LETTER_SETTLED | 409 | The letter was dealt with. | Nothing.
LETTER_WAITING | 409 | The step waits for a person. | Decide the step.
LINKS_MAX | 409 | There are as many links as there may be. | Wait until some expire.
LINK_INVALID | 400 | The request for a link is wrong. | Mend what is told.
LINK_NOT_FOUND | 404 | The link is none. | Ask for a new one.
LINK_OVER | 410 | The link was used or has expired. | Ask for a new one.
LISTEN_FAILED | 503 | The server cannot listen. | See --host and --port.
MESSAGE_INVALID | 400 | A message on the socket is none that is known. | See the guide of live streams.
METHOD_NOT_ALLOWED | 405 | The path does not take this method. | See Allow.
METRICS_OFF | 404 | Metrics are off here. | Set BATON_METRICS.
MISSING_ARGUMENT | cli | The command lacks an argument. | See its help.
MISSING_FLAG | cli | The command lacks a flag. | See its help.
MODEL_MISSING | 503 | The server has no model for agents that bring none. | Set BATON_MODEL, or give model with the request.
MODIFICATIONS_INVALID | 400 | The modifications are no JSON Merge Patch of the input. | Mend them.
NOTHING_TO_RETRY | 409 | Every step has succeeded. | Fork the run instead.
NOT_ACCEPTABLE | 406 | The request takes neither JSON nor a stream of events. | Accept: application/json, or text/event-stream.
NOT_AN_APPROVAL | 409 | The step asks for nothing. | Look at the run.
NOT_CONFIRMED | cli | The answer was no. | Nothing was done.
NOT_OVER_HTTP | cli | The command needs this machine. | Add --server none.
NOT_UTF8 | cli | The text is not UTF-8. | Encode it as UTF-8.
NO_ANSWER | cli | Nobody answered. | Answer, or add --yes.
NO_INPUT | cli | A value must come from stdin here. | Pipe it in.
ANSWER_REQUIRED | cli | An answer is needed. | Give --text, --option or fields.
ORIGIN_DENIED | 403 | The page may not ask this server. | Set BATON_CORS_ORIGINS.
OUTPUT_INVALID | 400 | The replacement output is no JSON within bounds. | Mend it.
OVERLOADED | 503 | The server has enough to do. Nothing was done. | Ask again after Retry-After.
OWNER_SILENT | 409 | The process that owns the run does not answer. | Try again; baton doctor.
PARENT_NOT_FINISHED | 409 | The run's parent may still read it. | Wait for the parent.
PATCH_INVALID | 400 | The patch breaks a rule; all are listed. | Mend it.
PATCH_MALFORMED | cli | The file is no JSON Patch. | Mend it.
PATCH_NOT_FOUND | 404 | There is no such patch. | baton patches list
PATCH_STALE | 409, 412 | The plan has changed since. | Read it again.
PATCH_VOID | cli | The patch can no longer be applied. | Propose a new one.
PORT_DENIED | 503 | This user may not listen there. | Choose a port above 1023.
PORT_TAKEN | 503 | Another process listens there. | Choose another with --port.
PRECONDITION_INVALID | 400 | If-Match is no strong entity tag. | Send the ETag that was read.
PRICES_INVALID | 400 | The file of prices is wrong. | Mend it.
PRICE_UNKNOWN | 400 | Nobody knows the model's price. | Set BATON_PRICES, or --allow-unknown-price.
PROBLEM_KIND_UNKNOWN | 404 | No problem is of this kind. | Take one that the hint lists.
REASON_UNKNOWN | 400 | Nothing can wait for this reason. | Take one that is named.
REDIRECT | delivery | The receiver redirects, and hooks follow nobody. | Configure the final address.
REPORT_MISSING | cli | The run made no report. | Look at the run.
REQUEST_INVALID | 400 | The request does not fit the contract; all faults are listed. | Mend them.
REQUEST_MALFORMED | 400 | This is not HTTP. | Look at the client.
REQUEST_TOO_SLOW | 408 | The request did not arrive in time. | Send it faster.
REQUEST_UNREADABLE | 400 | The body cannot be read. | Send it again.
ROLES_NEED_SHARED_QUEUE | 400 | The roles cannot be apart with this store. | Add the role that is named.
ROLE_UNKNOWN | 400 | There is no such role. | api, coordinator, worker[:TYPE], sweeper.
ROUTE_NOT_FOUND | 404 | There is no such route. | See /docs.
RUNS_MAX | 400 | One connection follows 100 runs at most. | Open another.
RUN_AMBIGUOUS | 404 | Several runs begin so. | Give more of the id.
RUN_ENDED | cli | The run has ended. | Nothing, or fork it.
RUN_FINISHED | 409 | The run has finished. | Nothing, or fork it.
RUN_GONE | 410 | The run's history is no longer there. | Look at newer runs.
RUN_NOT_FINISHED | 409 | The run has not finished. | Wait, or cancel it.
RUN_NOT_FOUND | 404 | There is no such run. | baton runs list
RUN_OWNED_ELSEWHERE | 409 | Another process works on the run. | Ask that one.
RUN_SEALED | 503 | The run was made under rules that this program lacks. | Use the newer Baton.
SCOPE_MISSING | 403 | The credential lacks the scope. | Use one that has it.
SCOPE_NOT_YOURS | 403 | Nobody gives scopes that they do not have. | Ask somebody who has it.
SECRET_INVALID | cli | The value cannot be a secret. | Give text without NUL.
SECRET_MISSING | 400 | The flow needs secrets that are not set. | baton secrets set NAME --host HOST
SECRET_NOT_FOUND | cli | There is no such secret. | baton secrets list
SEMANTICS_UNKNOWN | 503 | Unfinished runs were made by a newer Baton. | Use that one.
SEQ_NOT_FOUND | 404 | The run has no such event. | Take one that it has.
SERVER_NOT_UNDERSTOOD | cli | What answers is no Baton of this version. | Check the address.
SERVER_UNREACHABLE | cli | No server answers there. | Check the address, or --server none.
SESSIONS_MAX | 409 | There are as many sessions as there may be. | End one.
STARTING | 503 | The server starts. | Ask again after Retry-After.
START_FAILED | 503 | Baton could not start. | See the message.
STEP_MISSING | 400 | Modifications need their step. | Name it.
STEP_NOT_FOUND | 404 | The run has no such step. | baton runs show RUN
STOPPING | 503 | The server stops. | Ask another.
STORE_BUSY | 503 | Another program holds the store's lock. | Close what holds it open.
STORE_CORRUPT | 503 | The store is damaged, or is none. | Restore a backup.
STORE_FULL | 503 | The disk is full; nothing was written. | Free some space.
STORE_GONE | 503 | The store was removed or replaced under a process. | Put it back, or start that process again.
STORE_NEWER | 503 | A newer Baton has written the store. | Use that one.
STORE_READ_ONLY | 503 | The store cannot be opened for writing. | Check the permissions of its folder.
STORE_UNAVAILABLE | 503 | The store does not serve. | baton doctor
STORE_UNKNOWN | 503 | The address names no kind of store. | sqlite:FOLDER
STORE_UNSUPPORTED | 503 | That kind of store is not part of this version. | sqlite:FOLDER
STORE_UNWRITABLE | 503 | Nothing can be written. | Look at the disk.
STREAM_LOST | cli | The stream of events ended before the run. | baton runs watch RUN
SUBSCRIBED_ALREADY | 409 | The socket follows this already. | Nothing.
TENANT_NOT_YOURS | 403 | The credential is of another tenant. | Use one of that tenant.
TIME_INVALID | 400 | This is no RFC 3339 time. | Such as 2026-11-21T10:00:00Z.
TYPE_UNKNOWN | 400 | There is no such event type. | See the reference of events.
UNEXPECTED_ARGUMENT | cli | The command does not take that. | See its help.
UNKNOWN_COMMAND | cli | There is no such command. | baton --help
UNKNOWN_FLAG | cli | The command has no such flag. | See its help.
UNKNOWN_FLOW | 400 | A called flow is not there. | Publish it.
UPGRADE_REQUIRED | 426 | The path is that of the WebSocket. | Ask for an upgrade, or use GET /api/v1/events.
URL_TOO_LONG | 414 | Path and query are too long. | Send less.
USAGE | cli | The command line is wrong. | See the help.
VERSION_EXISTS | 409 | The version is published, and versions never change. | Publish another.
WEBHOOKS_MAX | 409 | There are as many webhooks as there may be. | Remove one.
WEBHOOK_DISABLED | 409 | The webhook is disabled: it is told nothing. | Enable it.
WEBHOOK_EVENTS | 400 | The webhook asks for no known events. | See the reference of events.
WEBHOOK_FORM | 400 | There is no such form of signature. | See the guide of webhooks.
WEBHOOK_NOT_FOUND | 404 | There is no such webhook. | baton webhooks list
WEBHOOK_OF_ENVIRONMENT | 409 | The webhook is set by the environment. | Change the variable.
WEBHOOK_SECRET | 400 | The secret cannot sign in this form. | Let Baton make one.
WEBHOOK_TAGS | 400 | The webhook asks for too many tags, or for one that is too long. | Ask for fewer, or shorter ones.
WEBHOOK_TESTS_MAX | 503 | As many webhooks are being tested as may be at once. | Ask again in a few seconds.
WEBHOOK_TEXT | 400 | A text of the webhook is too long. | Give it 256 characters at most.
WEBHOOK_TOKEN_BOUND | 409 | The webhook's token is for its host alone. | Add a webhook for the other host, and remove this one.
WEBHOOK_UNDECRYPTABLE | 503 | The webhook's secret was sealed with another key. | Restore the key, or rotate.
WRONG_TYPE | 400 | A part of the flow has the wrong type. | Mend it.
global_rate_limit_exceeded | 429 | As many runs were started, by all, as may be. | Wait for Retry-After.
rate_limit_exceeded | 429 | As many runs of this tier were started as may be. | Wait for Retry-After.
user_rate_limit_exceeded | 429 | As many runs were started by this person as may be. | Wait for Retry-After.
`

export const all: ReadonlyArray<ErrorCode> = table.trim().split("\n").map((line) => {
  const [code = "", status = "", meaning = "", advice = ""] = line.split(" | ")
  return { code, status, meaning, advice }
})

/**
 * Every setting there is. What the code reads and what stands here are the same: a test compares both, and the reference
 * is made from it.
 */
import { durationWithin, forms, type Setting, wholeWithin } from "./Setting.ts"

const { boolean, count, fraction, names, path, port, ports, positive, secret, text, url } = forms

const row = (
  variable: string,
  key: string | undefined,
  form: Setting["form"],
  otherwise: string,
  meaning: string
): Setting => ({ variable, ...(key === undefined ? {} : { key }), form, otherwise, meaning })

const hidden = (variable: string, meaning: string, form: Setting["form"] = secret): Setting => ({
  variable,
  form,
  otherwise: "none",
  secret: true,
  meaning
})

/** What a timer of the system can wait for is a little less than 25 days; a longer one would ring at once. */
const timer = durationWithin("100ms", "24d")

const place: ReadonlyArray<Setting> = [
  row("BATON_DATA", undefined, path, ".baton", "Folder of the store."),
  row("BATON_CONFIG", undefined, path, "baton.json or baton.config.json in the data folder", "File of settings."),
  row("BATON_SERVER", undefined, text, "one that serves the data folder", "Server that commands ask; `none`: none."),
  hidden("BATON_API_KEY", "Key that commands show to a server."),
  row(
    "BATON_ALLOW_PLAIN_HTTP",
    undefined,
    boolean,
    "false",
    "Whether commands send the key over http to another machine."
  ),
  hidden(
    "BATON_KEY",
    "Key that seals stored secrets; else `key` in the data folder.",
    forms.sealingKey
  )
]

const server: ReadonlyArray<Setting> = [
  row("BATON_HOST", "server.host", text, "127.0.0.1", "Address that a server listens on."),
  row("BATON_PORT", "server.port", port, "7377", "Port that a server listens on; 0: any free one."),
  row(
    "BATON_ROLES",
    "server.roles",
    names,
    "all",
    "What a server does: api, coordinator, worker, worker:TYPE, sweeper."
  ),
  row("BATON_PUBLIC_URL", "server.publicUrl", url, "where it listens", "Address under which people reach the server."),
  row(
    "BATON_HOSTS",
    "server.hosts",
    names,
    "any in serve, none in dev",
    "Host names under which a server answers; dev answers to this machine's in any case."
  ),
  row("BATON_CORS_ORIGINS", "server.corsOrigins", names, "none", "Origins whose pages may ask the server."),
  row(
    "BATON_TRUSTED_PROXIES",
    "server.trustedProxies",
    names,
    "none",
    "Addresses and networks of proxies whose `X-Forwarded-For` says where a request comes from."
  ),
  row(
    "BATON_STOP_NOTICE",
    "server.stopNotice",
    durationWithin("0ms", "1h"),
    "0ms",
    "How long `/ready` says 503 before a stop begins."
  ),
  row(
    "BATON_STOP_GRACE",
    "server.stopGrace",
    durationWithin("0ms", "1h"),
    "20s",
    "How long requests in flight may take at a stop."
  ),
  row("BATON_LOG_FORMAT", "logs.format", forms.logFormat, "text", "How the engine's own words look: `text` or `json`."),
  row("BATON_LOG_LEVEL", "logs.level", forms.logLevel, "warn", "The least that is told of what the engine does."),
  row("BATON_METRICS", "metrics.access", forms.metrics, "admin", "Who may read `/metrics`."),
  row("BATON_METRICS_DEFINITIONS", "metrics.definitions", count, "100", "Definitions that metrics tell apart."),
  row("BATON_METRICS_TENANTS", "metrics.tenants", names, "none", "Tenants that metrics name."),
  row("BATON_RETENTION", "server.retention", text, "30d", "How long finished runs are kept; `off`: for ever.")
]

const limits: ReadonlyArray<Setting> = [
  row(
    "BATON_LIMITS_BODY_BYTES",
    "limits.bodyBytes",
    wholeWithin(1, 268_435_456),
    "1048576",
    "Bytes of a request's body."
  ),
  row("BATON_LIMITS_JSON_DEPTH", "limits.jsonDepth", wholeWithin(1, 128), "128", "Nesting of JSON in a body."),
  row("BATON_LIMITS_URL_CHARS", "limits.urlChars", wholeWithin(64, 1_048_576), "8192", "Characters of path and query."),
  row(
    "BATON_LIMITS_HEADER_BYTES",
    "limits.headerBytes",
    wholeWithin(1_024, 1_048_576),
    "16384",
    "Bytes of request line and headers."
  ),
  row("BATON_LIMITS_HEADERS", "limits.headers", wholeWithin(8, 2_000), "100", "Headers of a request."),
  row("BATON_LIMITS_HEADERS_TIMEOUT", "limits.headersTimeout", timer, "10s", "Time to send all headers."),
  row("BATON_LIMITS_REQUEST_TIMEOUT", "limits.requestTimeout", timer, "30s", "Time to send the whole request."),
  row(
    "BATON_LIMITS_CHECK_EVERY",
    "limits.checkEvery",
    durationWithin("10ms", "1m"),
    "250ms",
    "How often connections are checked for both."
  ),
  row("BATON_LIMITS_KEEP_ALIVE", "limits.keepAlive", timer, "65s", "How long a connection may be idle."),
  row("BATON_LIMITS_CONNECTIONS", "limits.connections", wholeWithin(1, 1_000_000), "16384", "Open connections."),
  row(
    "BATON_LIMITS_CONNECTIONS_PER_ADDRESS",
    "limits.connectionsPerAddress",
    wholeWithin(0, 1_000_000),
    "0",
    "Open connections of one address; 0: no bound. Behind a proxy all have the proxy's address."
  ),
  row(
    "BATON_LIMITS_REQUESTS_IN_FLIGHT",
    "limits.requestsInFlight",
    wholeWithin(1, 1_000_000),
    "1024",
    "Requests worked on at once."
  ),
  row(
    "BATON_LIMITS_LOOP_DELAY",
    "limits.loopDelay",
    durationWithin("0ms", "1m"),
    "500ms",
    "Lateness above which requests are refused; 0s: never."
  ),
  row(
    "BATON_RATE_ENABLED",
    "rate.enabled",
    boolean,
    "true in serve, false in dev",
    "Whether starts of runs are limited."
  ),
  row("BATON_RATE_WINDOW", "rate.window", durationWithin("1s", "1d"), "1m", "Window of the limits on starts."),
  row("BATON_RATE_GLOBAL", "rate.global", count, "100", "Starts in a window, of all together."),
  row("BATON_RATE_USER", "rate.user", count, "50", "Starts in a window, of one person."),
  row("BATON_RATE_SIMPLE", "rate.simple", count, "100", "Of one person, of flows without agents."),
  row("BATON_RATE_STANDARD", "rate.standard", count, "20", "Of one person, of flows with one or two agents."),
  row("BATON_RATE_HEAVY", "rate.heavy", count, "5", "Of one person, of flows with three agents or more."),
  hidden("BATON_RATE_BYPASS_SECRET", "Shared secret of programs whose starts are not limited.")
]

const streams: ReadonlyArray<Setting> = [
  row(
    "BATON_LIVE_KEEP_ALIVE",
    "live.keepAlive",
    durationWithin("1s", "1h"),
    "15s",
    "Silence after which a comment is sent."
  ),
  row(
    "BATON_LIVE_PING",
    "live.ping",
    durationWithin("1s", "1h"),
    "20s",
    "How often a WebSocket's peer is asked whether it lives."
  ),
  row(
    "BATON_LIVE_STALL_AFTER",
    "live.stallAfter",
    durationWithin("1s", "1h"),
    "30s",
    "A reader that takes nothing for so long is dropped."
  ),
  row(
    "BATON_LIVE_CONNECTION_FOR",
    "live.connectionFor",
    durationWithin("1m", "24d"),
    "1h",
    "A stream ends after this long, and its reader resumes."
  ),
  row(
    "BATON_LIVE_BUFFER_BYTES",
    "live.bufferBytes",
    wholeWithin(1_048_576, 8_589_934_592),
    "67108864",
    "Newest events that are kept for readers, over all runs."
  ),
  row(
    "BATON_LIVE_PENDING_BYTES",
    "live.pendingBytes",
    wholeWithin(32_768, 16_777_216),
    "65536",
    "What waits in the server for one reader."
  )
]

const hooks: ReadonlyArray<Setting> = [
  row(
    "ORCHESTRATION_PROGRESS_WEBHOOK_URL",
    "webhooks.progressUrl",
    url,
    "none",
    "Is told what happens to runs and steps."
  ),
  row("ORCHESTRATION_CHECKPOINT_WEBHOOK_URL", "webhooks.checkpointUrl", url, "none", "Is told what waits for people."),
  hidden("BATON_WEBHOOK_SECRET", "Signs what the two are told (`whsec_…`)."),
  row(
    "BATON_WEBHOOK_TIMEOUT",
    "webhooks.timeout",
    durationWithin("1s", "5m"),
    "15s",
    "Time for one delivery, its answer included."
  ),
  row(
    "BATON_WEBHOOK_BODY_BYTES",
    "webhooks.bodyBytes",
    wholeWithin(1_024, 16_777_216),
    "262144",
    "Bytes of a body; of a larger event only the type and time are sent."
  ),
  row("BATON_WEBHOOK_CONCURRENCY", "webhooks.concurrency", wholeWithin(1, 1_024), "64", "Deliveries at once, in all."),
  row(
    "BATON_WEBHOOK_CONCURRENCY_EACH",
    "webhooks.concurrencyEach",
    wholeWithin(1, 1_024),
    "8",
    "Deliveries at once, to one webhook."
  ),
  row(
    "BATON_WEBHOOK_RETRY_FIRST",
    "webhooks.retryFirst",
    durationWithin("10ms", "1h"),
    "1s",
    "The first wait before a delivery is tried again; each next one is twice as long."
  ),
  row("BATON_WEBHOOK_RETRY_MAX", "webhooks.retryMax", durationWithin("1s", "24d"), "1h", "The longest such wait."),
  row(
    "BATON_WEBHOOK_GIVE_UP_AFTER",
    "webhooks.giveUpAfter",
    durationWithin("1m", "90d"),
    "3d",
    "A delivery that was refused for so long is given up."
  )
]

const access: ReadonlyArray<Setting> = [
  row("BATON_JWT_ISSUER", "jwt.issuer", url, "none", "Issuer of bearer tokens; without it none is accepted."),
  row("BATON_JWT_AUDIENCE", "jwt.audience", text, "none", "Audience that tokens must name."),
  row("BATON_JWT_JWKS_URL", "jwt.jwksUrl", url, "none", "Where the issuer's keys are."),
  row("BATON_JWT_ALGORITHMS", "jwt.algorithms", names, "all asymmetric ones", "Signatures that tokens may have."),
  row("BATON_JWT_TENANT", "jwt.tenant", text, "the claim", "Tenant of tokens that name none."),
  row("BATON_JWT_TENANT_CLAIM", "jwt.tenantClaim", text, "tenant", "Claim that names the tenant."),
  row("BATON_JWT_SCOPE_CLAIM", "jwt.scopeClaim", text, "scope", "Claim that lists scopes."),
  row("BATON_JWT_GROUPS_CLAIM", "jwt.groupsClaim", text, "groups", "Claim that lists groups.")
]

const outgoing: ReadonlyArray<Setting> = [
  row("BATON_NET_ALLOW", "net.allow", names, "none", "Hosts that calls may reach besides public ones."),
  row("BATON_NET_PORTS", "net.ports", ports, "80,443,8080,8443", "Ports open on public hosts."),
  row(
    "BATON_READ_ROOT",
    "files.readRoot",
    path,
    "what this user may read",
    "Folder outside of which agents read nothing."
  ),
  row("OTEL_SERVICE_NAME", "otel.serviceName", text, "baton", "Name of the service in traces."),
  row("OTEL_SDK_DISABLED", "otel.disabled", boolean, "false", "No traces are sent."),
  row("OTEL_EXPORTER_OTLP_ENDPOINT", "otel.endpoint", url, "none", "Where traces are sent; without it none are."),
  row(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "otel.tracesEndpoint",
    url,
    "from the endpoint",
    "The same, with its path."
  ),
  row("OTEL_EXPORTER_OTLP_PROTOCOL", "otel.protocol", text, "http/json", "How they are sent."),
  row("OTEL_EXPORTER_OTLP_TIMEOUT", "otel.timeoutMs", count, "10000", "Milliseconds that sending may take."),
  hidden("OTEL_EXPORTER_OTLP_HEADERS", "Headers that are sent along, such as a token."),
  row("OTEL_BSP_SCHEDULE_DELAY", "otel.delayMs", count, "5000", "Milliseconds between two sendings."),
  row("OTEL_BSP_MAX_QUEUE_SIZE", "otel.queueSize", positive, "2048", "Spans that wait to be sent."),
  row("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "otel.batchSize", positive, "512", "Spans in one sending."),
  row("OTEL_TRACES_SAMPLER", "otel.sampler", text, "parentbased_always_on", "Which traces are kept."),
  row("OTEL_TRACES_SAMPLER_ARG", "otel.samplerArgument", fraction, "1", "Share of traces that is kept.")
]

const models: ReadonlyArray<Setting> = [
  row("BATON_MODEL", "models.default", text, "none", "Model of agents that name none."),
  row("BATON_MODEL_HOSTS", "models.hosts", names, "none", "Model endpoints, not public, that flows may name by URL."),
  row("BATON_PRICES", "models.prices", path, "the built-in ones", "File of prices."),
  hidden("BATON_MODEL_API_KEY", "Key for `BATON_MODEL` when it is a URL."),
  hidden("OPENAI_API_KEY", "Key of OpenAI."),
  row("OPENAI_BASE_URL", "models.openai.baseUrl", url, "OpenAI's", "Where that API is."),
  hidden("ANTHROPIC_API_KEY", "Key of Anthropic."),
  row("ANTHROPIC_BASE_URL", "models.anthropic.baseUrl", url, "Anthropic's", "Where that API is."),
  hidden("GEMINI_API_KEY", "Key of Google."),
  hidden("GOOGLE_GENERATIVE_AI_API_KEY", "The same, under its other name."),
  row("GEMINI_BASE_URL", "models.google.baseUrl", url, "Google's", "Where that API is."),
  hidden("OPENROUTER_API_KEY", "Key of OpenRouter."),
  row("OPENROUTER_BASE_URL", "models.openrouter.baseUrl", url, "OpenRouter's", "Where that API is."),
  hidden("OLLAMA_API_KEY", "Key of an Ollama server that asks for one."),
  row("OLLAMA_HOST", "models.ollama.host", text, "127.0.0.1:11434", "Where Ollama listens."),
  row("OLLAMA_CONTEXT_LENGTH", "models.ollama.contextLength", positive, "4096", "Tokens of its context window."),
  hidden("LMSTUDIO_API_KEY", "Key of an LM Studio server that asks for one."),
  row("LMSTUDIO_BASE_URL", "models.lmstudio.baseUrl", url, "http://127.0.0.1:1234/v1", "Where LM Studio listens."),
  hidden("VLLM_API_KEY", "Key of a vLLM server that asks for one."),
  row("VLLM_BASE_URL", "models.vllm.baseUrl", url, "http://127.0.0.1:8000/v1", "Where vLLM listens.")
]

/** By subject, in the order of the reference. */
export const groups = {
  "Where things are": place,
  "The server": server,
  "Limits": limits,
  "Live streams": streams,
  "Webhooks": hooks,
  "Bearer tokens": access,
  "Outgoing calls": outgoing,
  "Models": models
} as const

export const all: ReadonlyArray<Setting> = Object.values(groups).flat()

/** Any number of these: `BATON_SECRET_<NAME>`, its hosts, and a file that holds it. */
export const isDynamic = (variable: string): boolean => /^BATON_SECRET_[A-Z0-9_]+$/i.test(variable)

/** `baton keys` and `baton audit`: who may ask over the network, and who has. */
import { Scope } from "@baton/contract/http/Scope"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { leaf } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

const { duration, text, texts, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

export interface KeysCreate {
  readonly _tag: "KeysCreate"
  readonly name: string
  readonly scope: ReadonlyArray<Scope>
  /** Every scope of a tenant. */
  readonly all: boolean
  readonly owner: string | undefined
  readonly group: ReadonlyArray<string>
  /** Milliseconds. */
  readonly expires: number | undefined
  readonly forever: boolean
  readonly env: string | undefined
  readonly tenant: string | undefined
}

export interface KeysList {
  readonly _tag: "KeysList"
  readonly after: string | undefined
  readonly limit: number
  readonly tenant: string | undefined
}

export interface KeysRotate {
  readonly _tag: "KeysRotate"
  readonly id: string
  /** Milliseconds. */
  readonly grace: number | undefined
  readonly tenant: string | undefined
}

export interface KeysRevoke {
  readonly _tag: "KeysRevoke"
  readonly id: string
  readonly tenant: string | undefined
}

export interface AuditList {
  readonly _tag: "AuditList"
  readonly before: number | undefined
  readonly limit: number
  readonly tenant: string | undefined
}

export interface AuditVerify {
  readonly _tag: "AuditVerify"
  /** `seq:hash`. */
  readonly expect: string | undefined
  readonly tenant: string | undefined
}

export type AccessRequest = KeysCreate | KeysList | KeysRotate | KeysRevoke | AuditList | AuditVerify

const tenant = text("tenant", "NAME", "Another tenant than default; its first key makes it")
const id = Argument.String("id").pipe(Argument.withDescription("The key's id, key_…"))
const limit = Flag.Int("limit").pipe(Flag.withDescription("Per page, 1 to 500"), Flag.withDefault(50))

const create = leaf("create", "Make a key; its text is shown once", {
  name: Argument.String("name").pipe(Argument.withDescription("What it is for")),
  scope: Flag.Literals("scope", Scope.literals).pipe(
    Flag.withDescription("What it may; may be repeated"),
    Flag.atLeast(0),
    Flag.withDefault<ReadonlyArray<Scope>>([])
  ),
  all: toggle("all", "Every scope of one tenant: all but metrics:read and system:admin"),
  owner: text("owner", "NAME", "Who acts with it, for journals and approvals (default: the key's name)"),
  group: texts("group", "NAME", "A group that the owner is in"),
  expires: duration("expires", "It ends after this long (default 365d)").pipe(Flag.optional),
  forever: toggle("forever", "It never ends"),
  env: text("env", "WORD", "The second word of its text (default live)"),
  tenant
}, [
  ["baton keys create ci --scope runs:read --scope runs:write", "for a program that starts runs"],
  ["baton keys create ana --owner ana --group editors --scope approvals:decide", "for a person who decides"],
  ["baton keys create root --all --expires 90d --json | jq -r .key", "its text only"]
], ({ env, expires, owner, tenant, ...input }) => ({
  _tag: "KeysCreate",
  ...input,
  env: orUndefined(env),
  expires: orUndefined(expires),
  owner: orUndefined(owner),
  tenant: orUndefined(tenant)
}))

export const keys = Command.make("keys").pipe(
  Command.withDescription("Keys for programs that reach Baton over the network"),
  Command.withSubcommands([
    create,
    leaf(
      "list",
      "Keys and when they were last used; never their text",
      {
        after: text("after", "ID", "The page after this one"),
        limit,
        tenant
      },
      [["baton keys list", "of the tenant default"]],
      ({ after, limit, tenant }) => ({
        _tag: "KeysList",
        limit,
        after: orUndefined(after),
        tenant: orUndefined(tenant)
      })
    ),
    leaf(
      "rotate",
      "Make the key that takes another's place; both live for the grace period",
      {
        id,
        grace: duration("grace", "The old key ends after this long (default 24h)").pipe(Flag.optional),
        tenant
      },
      [["baton keys rotate key_01K8… --grace 1h", "then give the new text to the program"]],
      (input) => ({
        _tag: "KeysRotate",
        id: input.id,
        grace: orUndefined(input.grace),
        tenant: orUndefined(input.tenant)
      })
    ),
    leaf("revoke", "End a key now", { id, tenant }, [["baton keys revoke key_01K8…", "asks first"]], (input) => ({
      _tag: "KeysRevoke",
      id: input.id,
      tenant: orUndefined(input.tenant)
    }))
  ])
)

const auditTenant = text("tenant", "NAME", "Of this tenant; system: requests of nobody proven")

export const audit = Command.make("audit").pipe(
  Command.withDescription("Who asked the server for what, and what became of it"),
  Command.withSubcommands([
    leaf("list", "Newest first", {
      before: Flag.Int("before").pipe(Flag.withDescription("The page before this entry's number"), Flag.optional),
      limit,
      tenant: auditTenant
    }, [
      ["baton audit list", "what was changed and what was denied"],
      ["baton audit list --tenant system", "what was asked without a valid credential"]
    ], (input) => ({
      _tag: "AuditList",
      limit: input.limit,
      before: orUndefined(input.before),
      tenant: orUndefined(input.tenant)
    })),
    leaf(
      "verify",
      "Check the chain of hashes (exit 11 when it is broken)",
      {
        expect: text("expect", "SEQ:HASH", "An end that was printed before: finds a log that was cut off since"),
        tenant: auditTenant
      },
      [["baton audit verify", "prints the end of the chain: keep it elsewhere"]],
      (input) => ({
        _tag: "AuditVerify",
        expect: orUndefined(input.expect),
        tenant: orUndefined(input.tenant)
      })
    )
  ])
)

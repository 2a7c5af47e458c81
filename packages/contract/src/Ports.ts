/** Everything that a program may ask of Baton, wherever it runs. */
import type { ApprovalsClient } from "./ApprovalsClient.ts"
import type { AuditClient } from "./AuditClient.ts"
import type { BlobsClient } from "./BlobsClient.ts"
import type { Client } from "./Client.ts"
import type { FlowsClient } from "./FlowsClient.ts"
import type { KeysClient } from "./KeysClient.ts"
import type { LinksClient } from "./LinksClient.ts"
import type { OperatorClient } from "./OperatorClient.ts"
import type { PatchesClient } from "./PatchesClient.ts"
import type { ReceiptsClient } from "./ReceiptsClient.ts"
import type { SecretsClient } from "./SecretsClient.ts"
import type { StoreClient } from "./StoreClient.ts"
import type { UsageClient } from "./UsageClient.ts"
import type { WebhooksClient } from "./WebhooksClient.ts"

export type Ports =
  | ApprovalsClient
  | AuditClient
  | BlobsClient
  | Client
  | FlowsClient
  | KeysClient
  | LinksClient
  | OperatorClient
  | PatchesClient
  | ReceiptsClient
  | SecretsClient
  | StoreClient
  | UsageClient
  | WebhooksClient

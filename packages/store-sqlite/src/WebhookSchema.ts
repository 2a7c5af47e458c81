/** The tables of webhooks: who is told, how far the journal was read, how far each run was sent, and the log. */
export const sql = `
    CREATE TABLE webhook (
      webhook_no INTEGER PRIMARY KEY,
      tenant TEXT NOT NULL,
      id TEXT NOT NULL UNIQUE,
      scope TEXT NOT NULL CHECK (scope IN ('tenant', 'run', 'environment')),
      run TEXT,
      url TEXT NOT NULL,
      events TEXT NOT NULL,
      flow TEXT,
      tags TEXT NOT NULL,
      body TEXT NOT NULL,
      forms TEXT NOT NULL,
      issuer TEXT,
      audience TEXT,
      state TEXT NOT NULL CHECK (state IN ('active', 'disabled', 'ended')),
      reason TEXT,
      created_at INTEGER NOT NULL,
      created_by TEXT NOT NULL,
      updated_at INTEGER NOT NULL,
      from_record INTEGER NOT NULL,
      nonce BLOB NOT NULL,
      sealed BLOB NOT NULL
    ) STRICT;
    CREATE INDEX webhook_active ON webhook (scope) WHERE state = 'active';
    CREATE INDEX webhook_by_run ON webhook (tenant, run);
    CREATE TABLE webhook_relay (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      record_no INTEGER NOT NULL,
      session TEXT
    ) STRICT;
    INSERT INTO webhook_relay (one, record_no, session) VALUES (1, 0, NULL);
    CREATE TABLE webhook_lane (
      webhook_no INTEGER NOT NULL,
      run_no INTEGER NOT NULL,
      sent INTEGER NOT NULL,
      head INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      failing_since INTEGER,
      due_at INTEGER NOT NULL,
      PRIMARY KEY (webhook_no, run_no)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX webhook_lane_due ON webhook_lane (due_at) WHERE sent < head;
    CREATE INDEX webhook_lane_by_run ON webhook_lane (run_no);
    CREATE TABLE webhook_delivery (
      delivery_no INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      webhook_no INTEGER NOT NULL,
      tenant TEXT NOT NULL,
      run TEXT,
      seq INTEGER,
      type TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'queued', 'delivered', 'failed', 'given_up')),
      attempts INTEGER NOT NULL,
      status INTEGER,
      code TEXT,
      message TEXT,
      latency_ms INTEGER,
      at INTEGER NOT NULL,
      due_at INTEGER,
      UNIQUE (webhook_no, run, seq)
    ) STRICT;
    CREATE INDEX webhook_delivery_kept ON webhook_delivery (webhook_no, delivery_no);
    CREATE INDEX webhook_delivery_queued ON webhook_delivery (due_at) WHERE state = 'queued';
    CREATE INDEX webhook_delivery_by_run ON webhook_delivery (tenant, run)
  `

/** The steps of the schema that made runs and what belongs to them. */

export interface Migration {
  /** From 1, unbroken. */
  readonly number: number
  readonly sql: string
}

export const runMigrations: ReadonlyArray<Migration> = [{
  number: 1,
  sql: `
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE run (
      run_no INTEGER PRIMARY KEY,
      tenant TEXT NOT NULL,
      run TEXT NOT NULL,
      flow TEXT NOT NULL,
      version TEXT NOT NULL,
      flow_hash TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN
        ('pending', 'planning', 'running', 'waiting', 'succeeded', 'warned', 'failed', 'cancelled')),
      paused INTEGER NOT NULL,
      code TEXT,
      reason TEXT,
      semantics INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      tags TEXT NOT NULL,
      owner TEXT,
      epoch INTEGER NOT NULL,
      UNIQUE (tenant, run)
    ) STRICT;
    CREATE INDEX run_by_tenant ON run (tenant);
    CREATE INDEX run_by_flow ON run (tenant, flow);
    CREATE INDEX run_open ON run (owner) WHERE status IN ('pending', 'planning', 'running', 'waiting');

    CREATE TABLE journal (
      record_no INTEGER PRIMARY KEY,
      run_no INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      n INTEGER NOT NULL CHECK (n > 0),
      hash BLOB NOT NULL CHECK (length(hash) = 32),
      bytes BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX journal_by_run ON journal (run_no, seq);

    CREATE TABLE timer (
      run_no INTEGER NOT NULL,
      path TEXT NOT NULL,
      kind TEXT NOT NULL,
      n INTEGER NOT NULL,
      due INTEGER NOT NULL,
      PRIMARY KEY (run_no, path, kind)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX timer_by_due ON timer (due);

    CREATE TABLE dead_letter (
      letter_no INTEGER PRIMARY KEY,
      run_no INTEGER NOT NULL,
      path TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      code TEXT NOT NULL,
      message TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX dead_letter_by_run ON dead_letter (run_no);

    CREATE TABLE blob (
      blob_no INTEGER PRIMARY KEY,
      tenant TEXT NOT NULL,
      hash BLOB NOT NULL CHECK (length(hash) = 32),
      put_at INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      UNIQUE (tenant, hash)
    ) STRICT;
    CREATE TABLE blob_reference (
      run_no INTEGER NOT NULL,
      blob_no INTEGER NOT NULL,
      PRIMARY KEY (run_no, blob_no)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX blob_reference_by_blob ON blob_reference (blob_no);

    CREATE TABLE command (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      tenant TEXT NOT NULL,
      run TEXT NOT NULL,
      body TEXT NOT NULL,
      at INTEGER NOT NULL,
      answer TEXT
    ) STRICT;
    CREATE INDEX command_open ON command (id) WHERE answer IS NULL;
    CREATE INDEX command_by_run ON command (tenant, run);

    CREATE TABLE flow_document (
      document_no INTEGER PRIMARY KEY,
      tenant TEXT NOT NULL,
      hash TEXT NOT NULL,
      frozen_at INTEGER NOT NULL,
      body TEXT NOT NULL,
      UNIQUE (tenant, hash)
    ) STRICT;
    CREATE TABLE flow_version (
      version_no INTEGER PRIMARY KEY,
      tenant TEXT NOT NULL,
      name TEXT NOT NULL,
      version TEXT NOT NULL,
      hash TEXT NOT NULL,
      published_at INTEGER NOT NULL,
      UNIQUE (tenant, name, version)
    ) STRICT;

    CREATE TABLE log_line (
      run_no INTEGER NOT NULL,
      n INTEGER NOT NULL,
      at INTEGER NOT NULL,
      path TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      line TEXT NOT NULL,
      PRIMARY KEY (run_no, n)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE secret (
      tenant TEXT NOT NULL,
      name TEXT NOT NULL,
      hosts TEXT NOT NULL,
      nonce BLOB NOT NULL,
      sealed BLOB NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (tenant, name)
    ) STRICT, WITHOUT ROWID
  `
}, {
  number: 2,
  sql: `
    CREATE TABLE door (
      run_no INTEGER NOT NULL,
      id TEXT NOT NULL,
      path TEXT NOT NULL,
      kind TEXT NOT NULL,
      since INTEGER NOT NULL,
      due_at INTEGER,
      closed_at INTEGER,
      title TEXT NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (run_no, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX door_by_id ON door (id);
    CREATE INDEX door_open ON door (since, id) WHERE closed_at IS NULL
  `
}, {
  number: 3,
  sql: `
    CREATE TABLE receipt (
      tenant TEXT NOT NULL,
      key TEXT NOT NULL,
      flow TEXT NOT NULL,
      node TEXT NOT NULL,
      parts TEXT NOT NULL,
      output TEXT NOT NULL,
      agent TEXT,
      run TEXT NOT NULL,
      path TEXT NOT NULL,
      at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      used INTEGER NOT NULL,
      PRIMARY KEY (tenant, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX receipt_by_use ON receipt (tenant, used);
    CREATE INDEX receipt_by_node ON receipt (tenant, flow, node, at);
    CREATE TABLE receipt_count (
      tenant TEXT NOT NULL,
      flow TEXT NOT NULL,
      node TEXT NOT NULL,
      hits INTEGER NOT NULL,
      misses INTEGER NOT NULL,
      PRIMARY KEY (tenant, flow, node)
    ) STRICT, WITHOUT ROWID
    `
}, {
  number: 4,
  sql: `
    ALTER TABLE run ADD COLUMN parent_run TEXT;
    ALTER TABLE run ADD COLUMN parent_path TEXT;
    ALTER TABLE run ADD COLUMN parent_attempt INTEGER;
    ALTER TABLE run ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE run ADD COLUMN lineage_run TEXT;
    ALTER TABLE run ADD COLUMN lineage_seq INTEGER;
    ALTER TABLE run ADD COLUMN lineage_kind TEXT;
    CREATE TABLE flow_call (
      tenant TEXT NOT NULL,
      hash TEXT NOT NULL,
      called TEXT NOT NULL,
      PRIMARY KEY (tenant, hash, called)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_by_parent ON run (tenant, parent_run) WHERE parent_run IS NOT NULL
  `
}, {
  number: 5,
  sql: `
    ALTER TABLE dead_letter ADD COLUMN state TEXT NOT NULL DEFAULT 'open'
      CHECK (state IN ('open', 'reprocessed', 'discarded'));
    ALTER TABLE dead_letter ADD COLUMN settled_at INTEGER;
    ALTER TABLE dead_letter ADD COLUMN settled_by TEXT;
    ALTER TABLE dead_letter ADD COLUMN note TEXT;
    ALTER TABLE dead_letter ADD COLUMN into_run TEXT;
    CREATE UNIQUE INDEX dead_letter_by_step ON dead_letter (run_no, path, attempt);
    CREATE INDEX dead_letter_open ON dead_letter (letter_no) WHERE state = 'open'
  `
}, {
  number: 6,
  sql: `
    CREATE TABLE usage (
      usage_no INTEGER PRIMARY KEY,
      tenant TEXT NOT NULL,
      run TEXT NOT NULL,
      flow TEXT NOT NULL,
      path TEXT NOT NULL,
      node TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      at INTEGER NOT NULL,
      agent TEXT,
      model TEXT,
      calls INTEGER NOT NULL,
      tokens INTEGER NOT NULL,
      input_tokens INTEGER,
      output_tokens INTEGER,
      cached_tokens INTEGER,
      nano_usd INTEGER NOT NULL,
      unpriced INTEGER NOT NULL,
      estimated INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX usage_by_time ON usage (tenant, at);
    CREATE INDEX usage_by_run ON usage (tenant, run)
  `
}, {
  number: 7,
  sql: `
    CREATE TABLE run_flow (
      run_no INTEGER NOT NULL,
      hash TEXT NOT NULL,
      PRIMARY KEY (run_no, hash)
    ) STRICT, WITHOUT ROWID
  `
}]

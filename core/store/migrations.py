"""The database's schema, one step a version; a step once released is never edited."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE catalogs(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        domain TEXT NOT NULL,
        backbone TEXT NOT NULL,
        revision INTEGER NOT NULL DEFAULT 0,
        items INTEGER NOT NULL DEFAULT 0,
        pictures INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    );
    CREATE TABLE items(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        catalog_id INTEGER NOT NULL REFERENCES catalogs(id) ON DELETE CASCADE,
        item_id TEXT NOT NULL,
        title TEXT NOT NULL,
        price REAL,
        data TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        text_hash TEXT NOT NULL,
        revision INTEGER NOT NULL,
        UNIQUE(catalog_id, item_id)
    );
    CREATE INDEX items_by_revision ON items(catalog_id, revision);
    CREATE INDEX items_by_price ON items(catalog_id, price) WHERE price IS NOT NULL;
    CREATE TABLE item_pictures(
        item INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        source TEXT NOT NULL,
        picture TEXT,
        code TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '',
        PRIMARY KEY(item, position)
    ) WITHOUT ROWID;
    CREATE INDEX item_pictures_by_picture ON item_pictures(picture);
    CREATE TRIGGER count_item AFTER INSERT ON items BEGIN
        UPDATE catalogs SET items = items + 1 WHERE id = new.catalog_id;
    END;
    CREATE TRIGGER uncount_item AFTER DELETE ON items BEGIN
        UPDATE catalogs SET items = items - 1 WHERE id = old.catalog_id;
    END;
    CREATE TRIGGER count_picture AFTER INSERT ON item_pictures WHEN new.picture IS NOT NULL BEGIN
        UPDATE catalogs SET pictures = pictures + 1 WHERE id = (SELECT catalog_id FROM items WHERE id = new.item);
    END;
    CREATE TRIGGER uncount_picture AFTER DELETE ON item_pictures WHEN old.picture IS NOT NULL BEGIN
        UPDATE catalogs SET pictures = pictures - 1 WHERE id = (SELECT catalog_id FROM items WHERE id = old.item);
    END;
    CREATE TABLE facets(
        catalog_id INTEGER NOT NULL,
        field TEXT NOT NULL COLLATE NOCASE,
        value TEXT NOT NULL COLLATE NOCASE,
        item INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
        PRIMARY KEY(catalog_id, field, value, item)
    ) WITHOUT ROWID;
    CREATE INDEX facets_by_item ON facets(item);
    CREATE TABLE models(id INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE);
    CREATE TABLE embeddings(
        model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        embedding BLOB NOT NULL,
        PRIMARY KEY(model, kind, content_hash)
    ) WITHOUT ROWID;
    CREATE VIRTUAL TABLE item_words USING fts5(title, body, tokenize = 'porter unicode61 remove_diacritics 2');
    CREATE TABLE imports(
        id TEXT PRIMARY KEY,
        catalog_id INTEGER NOT NULL REFERENCES catalogs(id) ON DELETE CASCADE,
        plan_hash TEXT NOT NULL,
        rows_done INTEGER NOT NULL DEFAULT 0,
        report TEXT NOT NULL DEFAULT '{}',
        finished INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE jobs(
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        payload TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'queued',
        stage TEXT NOT NULL DEFAULT '',
        done INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0,
        rate REAL,
        attempts INTEGER NOT NULL DEFAULT 0,
        worker TEXT,
        lease_until REAL NOT NULL DEFAULT 0,
        cancel_requested INTEGER NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT '',
        result TEXT NOT NULL DEFAULT '{}',
        created_at REAL NOT NULL,
        started_at REAL,
        finished_at REAL
    );
    CREATE UNIQUE INDEX jobs_live ON jobs(idempotency_key) WHERE state IN ('queued', 'running');
    CREATE INDEX jobs_by_state ON jobs(state, created_at);
    """,
    """
    CREATE TABLE interaction_logs(
        catalog_id INTEGER PRIMARY KEY REFERENCES catalogs(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        users INTEGER NOT NULL,
        items INTEGER NOT NULL,
        events INTEGER NOT NULL,
        first_time INTEGER,
        last_time INTEGER,
        saved_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    );
    CREATE TABLE interactions(
        catalog_id INTEGER NOT NULL REFERENCES catalogs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        user TEXT NOT NULL,
        item TEXT NOT NULL,
        event INTEGER NOT NULL,
        value REAL,
        liked INTEGER NOT NULL,
        time INTEGER,
        PRIMARY KEY(catalog_id, position)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE versions(
        id TEXT PRIMARY KEY,
        catalog_id INTEGER NOT NULL REFERENCES catalogs(id) ON DELETE CASCADE,
        title TEXT NOT NULL,
        backbone TEXT NOT NULL,
        has_log INTEGER NOT NULL,
        metrics TEXT NOT NULL,
        created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    );
    CREATE INDEX versions_by_catalog ON versions(catalog_id, created_at);
    ALTER TABLE catalogs ADD COLUMN version TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE expectations(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        catalog_id INTEGER NOT NULL REFERENCES catalogs(id) ON DELETE CASCADE,
        need TEXT NOT NULL,
        item_id TEXT NOT NULL,
        UNIQUE(catalog_id, need, item_id)
    );
    """,
    """
    ALTER TABLE interaction_logs ADD COLUMN unknown_events INTEGER NOT NULL DEFAULT 0;
    """,
    # Ids of items that are there already, as `core.catalog.codes.normalise_code` writes nearly all of them.
    """
    CREATE TABLE item_codes(
        catalog_id INTEGER NOT NULL,
        code TEXT NOT NULL,
        item INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
        PRIMARY KEY(catalog_id, code, item)
    ) WITHOUT ROWID;
    CREATE INDEX item_codes_by_item ON item_codes(item);
    INSERT INTO item_codes(catalog_id, code, item)
    SELECT catalog_id,
        CASE WHEN length(code) >= 8 AND code NOT GLOB '*[^0-9]*' THEN ltrim(code, '0') ELSE code END,
        id
    FROM (
        SELECT catalog_id, id,
            lower(replace(replace(replace(replace(replace(item_id, '-', ''), '_', ''), '/', ''), '.', ''), ' ', ''))
            AS code
        FROM items
    ) WHERE code != '';
    """,
    # Work belongs to a catalogue, not to its name, which another one may have after it. NULL: to all, or to a new one.
    """
    ALTER TABLE jobs ADD COLUMN catalog_id INTEGER;
    ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'long';
    CREATE INDEX jobs_by_catalog ON jobs(catalog_id, created_at);
    UPDATE jobs SET catalog_id = (
        SELECT id FROM catalogs WHERE CAST(strftime('%s', catalogs.created_at) AS INTEGER) <= jobs.created_at + 1
            AND name = coalesce(json_extract(payload, '$.catalog'), json_extract(payload, '$.train.catalog'))
    );
    """,
)

"""The tables of `wissensbasis.sqlite` and of `jobs.sqlite`, as numbered migrations that are only ever appended.

`rag_chunks` is fixed by the product's definition and is what other programs read. Everything else about a chunk stands
beside it in `chunk_records`, which allocates every id (AUTOINCREMENT: an id is never given twice, so that an old pair can
never point at new text) and keeps a row for deleted chunks.

Staleness is computed, never stored: a pair is stale when its `chunk_hash` differs from the chunk's `content_hash`.
"""

from __future__ import annotations

KNOWLEDGE_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,               -- file name as the person knows it
        sha256 TEXT NOT NULL,               -- of the original, which lies in data/documents/
        media TEXT NOT NULL,                -- pdf, docx, txt, md, html
        bytes INTEGER NOT NULL,
        pages INTEGER,
        title TEXT,
        text TEXT NOT NULL,                 -- extracted text; facts and chunks are spans of it
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
        job TEXT,
        added TEXT NOT NULL
    );
    CREATE UNIQUE INDEX documents_content ON documents (sha256) WHERE state = 'active';
    CREATE UNIQUE INDEX documents_source ON documents (source) WHERE state = 'active';

    CREATE TABLE chunk_records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        document INTEGER NOT NULL REFERENCES documents (id),
        content_hash TEXT NOT NULL,         -- sha256 of the content as it is now
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'excluded', 'deleted')),
        origin TEXT NOT NULL DEFAULT 'document' CHECK (origin IN ('document', 'edited', 'generated')),
        held_out INTEGER NOT NULL DEFAULT 0 CHECK (held_out IN (0, 1)),  -- kept for perplexity, never trained on
        tokens INTEGER NOT NULL,
        tokenizer TEXT NOT NULL,            -- which tokenizer counted
        span_start INTEGER NOT NULL,
        span_end INTEGER NOT NULL
    );
    CREATE INDEX chunk_records_document ON chunk_records (document, id);

    CREATE TABLE rag_chunks (id INTEGER PRIMARY KEY, content TEXT, source TEXT, chunk_index INTEGER, metadata JSON);
    CREATE INDEX rag_chunks_source ON rag_chunks (source, chunk_index);
    CREATE VIRTUAL TABLE rag_chunks_fts USING fts5(
        content, content='rag_chunks', content_rowid='id', tokenize="unicode61 remove_diacritics 2");
    CREATE VIRTUAL TABLE rag_chunks_terms USING fts5vocab('rag_chunks_fts', 'row');
    CREATE TRIGGER rag_chunks_inserted AFTER INSERT ON rag_chunks BEGIN
        INSERT INTO rag_chunks_fts (rowid, content) VALUES (new.id, new.content);
    END;
    CREATE TRIGGER rag_chunks_removed AFTER DELETE ON rag_chunks BEGIN
        INSERT INTO rag_chunks_fts (rag_chunks_fts, rowid, content) VALUES ('delete', old.id, old.content);
    END;
    CREATE TRIGGER rag_chunks_changed AFTER UPDATE OF content ON rag_chunks BEGIN
        INSERT INTO rag_chunks_fts (rag_chunks_fts, rowid, content) VALUES ('delete', old.id, old.content);
        INSERT INTO rag_chunks_fts (rowid, content) VALUES (new.id, new.content);
    END;

    CREATE TABLE facts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        document INTEGER NOT NULL REFERENCES documents (id),
        span_start INTEGER NOT NULL,        -- offsets in documents.text: the evidence
        span_end INTEGER NOT NULL,
        subject TEXT NOT NULL,
        attribute TEXT NOT NULL,
        answer TEXT NOT NULL,
        split TEXT NOT NULL CHECK (split IN ('train', 'validation')),
        UNIQUE (document, span_start, span_end, subject, attribute)
    );
    CREATE INDEX facts_names ON facts (subject COLLATE NOCASE, attribute COLLATE NOCASE);

    CREATE TABLE pairs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        slot TEXT NOT NULL,                 -- chunk/style/index: where in the job it was written
        fact INTEGER NOT NULL REFERENCES facts (id),
        chunk INTEGER NOT NULL REFERENCES chunk_records (id),
        chunk_hash TEXT NOT NULL,           -- the chunk's content hash when the pair was written
        instruction TEXT NOT NULL,
        output TEXT NOT NULL,
        style TEXT NOT NULL,
        split TEXT NOT NULL CHECK (split IN ('train', 'validation', 'held_out')),
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'rejected')),
        reason TEXT NOT NULL DEFAULT '',    -- why it was rejected
        provider TEXT NOT NULL,
        model TEXT NOT NULL DEFAULT '',
        edited INTEGER NOT NULL DEFAULT 0 CHECK (edited IN (0, 1)),
        created TEXT NOT NULL,
        UNIQUE (job, slot)
    );
    CREATE INDEX pairs_chunk ON pairs (chunk);
    CREATE INDEX pairs_fact ON pairs (fact);
    CREATE INDEX pairs_words ON pairs (instruction COLLATE NOCASE);

    CREATE TABLE datasets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
    CREATE TABLE dataset_pairs (
        dataset INTEGER NOT NULL REFERENCES datasets (id),
        pair INTEGER NOT NULL REFERENCES pairs (id),
        PRIMARY KEY (dataset, pair)
    );

    CREATE TABLE evaluation_questions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pair INTEGER NOT NULL UNIQUE REFERENCES pairs (id),
        kind TEXT NOT NULL CHECK (kind IN ('held_out', 'unasked')),
        question TEXT NOT NULL,
        answer TEXT NOT NULL,
        version INTEGER NOT NULL DEFAULT 1,
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired'))
    );
    CREATE INDEX evaluation_questions_words ON evaluation_questions (question COLLATE NOCASE);

    CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch INTEGER NOT NULL,             -- changes of one action share it and are undone together
        at TEXT NOT NULL,
        action TEXT NOT NULL,               -- in words, for the Undo button
        table_name TEXT NOT NULL,
        row_id INTEGER NOT NULL,
        before JSON,                        -- null: the row was made by this change
        after JSON,                         -- null: the row was removed by it
        undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
    );

    CREATE TABLE applied_records (job TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (job, sequence));
    """,
    """
    CREATE TABLE embeddings (
        chunk INTEGER PRIMARY KEY REFERENCES chunk_records (id) ON DELETE CASCADE,
        content_hash TEXT NOT NULL,         -- of the text that was embedded: a vector is stale when the chunk's differs
        model TEXT NOT NULL,
        dim INTEGER NOT NULL,
        vector BLOB NOT NULL                -- float32, little endian, of length 1
    );
    CREATE INDEX embeddings_model ON embeddings (model, chunk, content_hash);  -- counts without reading vectors
    """,
    """
    ALTER TABLE documents ADD COLUMN reading JSON;          -- how the file was read: {"settings", "cleaning", "columns", "notes"}
    ALTER TABLE chunk_records ADD COLUMN language TEXT;     -- "en", "de", "unknown" ...; null: not looked at since the text changed
    CREATE INDEX chunk_records_language ON chunk_records (language);
    CREATE TRIGGER rag_chunks_language AFTER UPDATE OF content ON rag_chunks WHEN new.content IS NOT old.content BEGIN
        UPDATE chunk_records SET language = NULL WHERE id = new.id;
    END;
    """,
    """
    ALTER TABLE documents ADD COLUMN shape TEXT NOT NULL DEFAULT '';  -- JSON: the template or labels its records were read with
    """,
    """
    ALTER TABLE embeddings ADD COLUMN model_hash TEXT NOT NULL DEFAULT '';  -- of the model folder's files; '' for a hub id
    DROP INDEX embeddings_model;
    CREATE INDEX embeddings_model ON embeddings (model, model_hash, chunk, content_hash);  -- counts without reading vectors
    CREATE INDEX chunk_records_counts ON chunk_records (document, state, held_out);  -- for the pages of chunks
    CREATE TABLE vectors_state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        token TEXT NOT NULL                 -- drawn anew with every change of what search by meaning sees
    );
    INSERT INTO vectors_state (id, token) VALUES (1, lower(hex(randomblob(16))));
    CREATE TRIGGER embeddings_inserted AFTER INSERT ON embeddings BEGIN
        UPDATE vectors_state SET token = lower(hex(randomblob(16)));
    END;
    CREATE TRIGGER embeddings_changed AFTER UPDATE ON embeddings BEGIN
        UPDATE vectors_state SET token = lower(hex(randomblob(16)));
    END;
    CREATE TRIGGER embeddings_removed AFTER DELETE ON embeddings BEGIN
        UPDATE vectors_state SET token = lower(hex(randomblob(16)));
    END;
    CREATE TRIGGER chunk_records_changed AFTER UPDATE OF content_hash, state ON chunk_records BEGIN
        UPDATE vectors_state SET token = lower(hex(randomblob(16)));
    END;
    """,
    """
    CREATE TABLE chunk_words (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        words TEXT                          -- a line for each word of the full-text index; null: never listed; see chunk_words.py
    );
    INSERT INTO chunk_words (id) VALUES (1);
    CREATE TABLE chunks_unlisted (id INTEGER PRIMARY KEY);  -- chunks that may hold words which are not in the list
    CREATE TRIGGER rag_chunks_unlisted AFTER INSERT ON rag_chunks BEGIN
        INSERT OR IGNORE INTO chunks_unlisted (id) VALUES (new.id);
    END;
    CREATE TRIGGER rag_chunks_relisted AFTER UPDATE OF content ON rag_chunks BEGIN
        INSERT OR IGNORE INTO chunks_unlisted (id) VALUES (new.id);
    END;
    """,
    """
    DROP TRIGGER rag_chunks_unlisted;
    DROP TRIGGER rag_chunks_relisted;
    DROP TABLE chunks_unlisted;
    DROP TABLE chunk_words;
    DROP TRIGGER embeddings_inserted;
    DROP TRIGGER embeddings_changed;
    DROP TRIGGER embeddings_removed;
    DROP TRIGGER chunk_records_changed;
    DROP TABLE vectors_state;
    -- Which chunks changed lately, for the files that stand beside the database (see change_log.py): the newest 5,000 entries.
    -- The token tells one history of a database from another, as when an older copy is put back and goes on from there.
    CREATE TABLE vector_log (id INTEGER PRIMARY KEY, chunk INTEGER NOT NULL, token TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))));
    CREATE TABLE text_log (id INTEGER PRIMARY KEY, chunk INTEGER NOT NULL, token TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))));
    INSERT INTO vector_log (chunk) VALUES (0);
    INSERT INTO text_log (chunk) VALUES (0);
    CREATE TRIGGER vector_log_shortened AFTER INSERT ON vector_log BEGIN
        DELETE FROM vector_log WHERE id <= (SELECT max(id) FROM vector_log) - 5000; END;
    CREATE TRIGGER text_log_shortened AFTER INSERT ON text_log BEGIN
        DELETE FROM text_log WHERE id <= (SELECT max(id) FROM text_log) - 5000; END;
    CREATE TRIGGER embeddings_inserted AFTER INSERT ON embeddings BEGIN
        INSERT INTO vector_log (chunk) VALUES (new.chunk); END;
    CREATE TRIGGER embeddings_changed AFTER UPDATE ON embeddings BEGIN
        INSERT INTO vector_log (chunk) VALUES (new.chunk); END;
    CREATE TRIGGER embeddings_removed AFTER DELETE ON embeddings BEGIN
        INSERT INTO vector_log (chunk) VALUES (old.chunk); END;
    CREATE TRIGGER chunk_records_reseen AFTER UPDATE OF content_hash, state, document ON chunk_records BEGIN
        INSERT INTO vector_log (chunk) VALUES (new.id); END;
    CREATE TRIGGER chunk_records_refiled AFTER UPDATE OF state, held_out, language, document ON chunk_records BEGIN
        INSERT INTO text_log (chunk) VALUES (new.id); END;
    CREATE TRIGGER rag_chunks_written AFTER INSERT ON rag_chunks BEGIN
        INSERT INTO text_log (chunk) VALUES (new.id); END;
    CREATE TRIGGER rag_chunks_rewritten AFTER UPDATE OF content, chunk_index ON rag_chunks BEGIN
        INSERT INTO text_log (chunk) VALUES (new.id); END;
    CREATE TRIGGER rag_chunks_taken_out AFTER DELETE ON rag_chunks BEGIN
        INSERT INTO text_log (chunk) VALUES (old.id); END;
    CREATE INDEX documents_listed ON documents (id, source, sha256, media, bytes, pages, title, added, shape)
        WHERE state = 'active';             -- a list of documents without walking over their texts
    """,
)

JOB_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,                -- KIND-YYYYMMDD-HHMMSS-xxxx
        project TEXT NOT NULL,
        kind TEXT NOT NULL,
        lane TEXT NOT NULL CHECK (lane IN ('compute', 'light')),
        state TEXT NOT NULL CHECK (state IN
            ('queued', 'running', 'done', 'failed', 'stopped', 'cancelled', 'interrupted')),
        resumable INTEGER NOT NULL DEFAULT 0 CHECK (resumable IN (0, 1)),
        position INTEGER NOT NULL,          -- order in the queue
        after TEXT,                         -- id of a job that must be done first
        attempt INTEGER NOT NULL DEFAULT 0,
        request TEXT CHECK (request IN ('stop', 'cancel')),
        worker_pid INTEGER,
        child_pid INTEGER,
        child_started REAL,                 -- with the pid names the child beyond doubt
        config JSON NOT NULL,
        progress JSON,                      -- {"phase", "done", "total", "eta_seconds", ...}
        result JSON,
        error JSON,                         -- {"code", "subject", "sentence", "advice"}
        created TEXT NOT NULL,
        started TEXT,
        ended TEXT,
        seen INTEGER NOT NULL DEFAULT 0     -- its end was shown to a person
    );
    CREATE INDEX jobs_queue ON jobs (state, lane, position);
    CREATE UNIQUE INDEX jobs_one_running ON jobs (lane) WHERE state = 'running';  -- a lane carries one job at a time
    """,
    "ALTER TABLE jobs ADD COLUMN not_before TEXT;  -- it waits until then (ISO, UTC); null: it does not",
    """
    CREATE TABLE jobs_with_cluster (
        id TEXT PRIMARY KEY,                -- KIND-YYYYMMDD-HHMMSS-xxxx
        project TEXT NOT NULL,
        kind TEXT NOT NULL,
        lane TEXT NOT NULL CHECK (lane IN ('compute', 'light', 'cluster')),
        state TEXT NOT NULL CHECK (state IN
            ('queued', 'running', 'done', 'failed', 'stopped', 'cancelled', 'interrupted')),
        resumable INTEGER NOT NULL DEFAULT 0 CHECK (resumable IN (0, 1)),
        position INTEGER NOT NULL,          -- order in the queue
        after TEXT,                         -- id of a job that must be done first
        attempt INTEGER NOT NULL DEFAULT 0,
        request TEXT CHECK (request IN ('stop', 'cancel')),
        worker_pid INTEGER,
        child_pid INTEGER,
        child_started REAL,                 -- with the pid names the child beyond doubt
        config JSON NOT NULL,
        progress JSON,                      -- {"phase", "done", "total", "eta_seconds", ...}
        result JSON,
        error JSON,                         -- {"code", "subject", "sentence", "advice"}
        created TEXT NOT NULL,
        started TEXT,
        ended TEXT,
        seen INTEGER NOT NULL DEFAULT 0,    -- its end was shown to a person
        not_before TEXT,                    -- it waits until then (ISO, UTC); null: it does not
        cluster_job TEXT                    -- the cluster's number of it, on the lane of the same name
    );
    INSERT INTO jobs_with_cluster (rowid, id, project, kind, lane, state, resumable, position, after, attempt, request, worker_pid,
        child_pid, child_started, config, progress, result, error, created, started, ended, seen, not_before)
        SELECT rowid, id, project, kind, lane, state, resumable, position, after, attempt, request, worker_pid,
        child_pid, child_started, config, progress, result, error, created, started, ended, seen, not_before FROM jobs;
    DROP TABLE jobs;
    ALTER TABLE jobs_with_cluster RENAME TO jobs;
    CREATE INDEX jobs_queue ON jobs (state, lane, position);
    CREATE UNIQUE INDEX jobs_one_running ON jobs (lane) WHERE state = 'running' AND lane <> 'cluster';  -- a cluster carries any number
    """,
)

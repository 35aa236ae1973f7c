-- Runs over edits: a source, a target and an instruction each. Apart from the runs over images, whose plan, prompt and
-- final score they do not have.

CREATE TABLE edit_runs (
    id TEXT PRIMARY KEY,                 -- sorts by the time of its beginning
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
    started TEXT NOT NULL,               -- ISO 8601, UTC
    ended TEXT,
    edits INTEGER NOT NULL,
    asked TEXT NOT NULL,                 -- digest of everything that decides about the numbers
    command NOT NULL,
    data NOT NULL,                       -- the file that the edits come from
    families TEXT NOT NULL,              -- JSON: the metrics that were asked for
    profile_name TEXT NOT NULL,
    settings TEXT NOT NULL,              -- JSON
    fingerprints TEXT NOT NULL,          -- JSON: role -> fingerprint
    versions TEXT NOT NULL,              -- JSON: package -> version
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process TEXT NOT NULL                -- tells a process from a later one with the same pid
);
CREATE INDEX edit_runs_by_asked ON edit_runs (asked);

CREATE TABLE edit_run_models (
    run TEXT NOT NULL REFERENCES edit_runs (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    info TEXT NOT NULL,                  -- JSON: ModelInfo
    PRIMARY KEY (run, role)
) WITHOUT ROWID;

CREATE TABLE edit_rows (
    run TEXT NOT NULL REFERENCES edit_runs (id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    edit_id NOT NULL,
    source NOT NULL,
    target NOT NULL,
    instruction NOT NULL,
    source_caption NOT NULL,
    target_caption NOT NULL,
    truth TEXT NOT NULL,                 -- JSON: what the file says of the row besides
    source_facts TEXT,                   -- JSON: ImageFacts
    target_facts TEXT,
    error,                               -- why an image could not be read
    PRIMARY KEY (run, item)
) WITHOUT ROWID;

CREATE TABLE edit_values (
    run TEXT NOT NULL,
    item INTEGER NOT NULL,
    measure TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('present', 'missing', 'failed')),
    value REAL CHECK ((value IS NOT NULL) = (state = 'present')),
    reason NOT NULL,
    caption,
    PRIMARY KEY (run, item, measure),
    FOREIGN KEY (run, item) REFERENCES edit_rows (run, item) ON DELETE CASCADE
) WITHOUT ROWID;

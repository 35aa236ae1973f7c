-- Columns without a type hold text, or bytes where a path or text is not valid UTF-8.

CREATE TABLE runs (
    id TEXT PRIMARY KEY,                 -- sorts by the time of its beginning
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
    started TEXT NOT NULL,               -- ISO 8601, UTC
    ended TEXT,
    images INTEGER NOT NULL,
    asked TEXT NOT NULL,                 -- digest of everything that decides about the raw values and the plan
    command NOT NULL,
    folder NOT NULL,
    topic NOT NULL,
    prompt NOT NULL,
    reference NOT NULL,
    reference_sha256 TEXT NOT NULL,
    profile_name TEXT NOT NULL,
    device TEXT NOT NULL,
    plan TEXT NOT NULL,                  -- JSON: metrics, weights, rules
    profile TEXT NOT NULL,               -- JSON
    not_asked TEXT NOT NULL,             -- JSON: metric -> reason
    settings TEXT NOT NULL,              -- JSON
    fingerprints TEXT NOT NULL,          -- JSON: role -> fingerprint
    versions TEXT NOT NULL,              -- JSON: package -> version
    prompt_read TEXT,                    -- JSON: tokens, limit, truncated
    summary TEXT,                        -- JSON: what the rows added up to when the run ended
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process TEXT NOT NULL                -- tells a process from a later one with the same pid
);
CREATE INDEX runs_by_asked ON runs (asked);
CREATE INDEX runs_by_folder ON runs (folder);

CREATE TABLE run_models (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    info TEXT NOT NULL,                  -- JSON: ModelInfo
    PRIMARY KEY (run, role)
) WITHOUT ROWID;

CREATE TABLE run_images (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    path NOT NULL,
    sha256 TEXT,
    facts TEXT,                          -- JSON: ImageFacts
    error,                               -- why the image could not be read
    PRIMARY KEY (run, item)
) WITHOUT ROWID;
CREATE INDEX run_images_by_content ON run_images (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE run_values (
    run TEXT NOT NULL,
    item INTEGER NOT NULL,
    metric TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('present', 'missing', 'failed')),
    value REAL CHECK ((value IS NOT NULL) = (state = 'present')),
    reason NOT NULL,
    caption,
    PRIMARY KEY (run, item, metric),
    FOREIGN KEY (run, item) REFERENCES run_images (run, item) ON DELETE CASCADE
) WITHOUT ROWID;

-- Nothing here is ever changed or deleted: the newest row about an image by a rater is what counts, and undoing adds
-- a row that says what was so before. Images are known by content, so that a renamed file keeps its ratings.
CREATE TABLE judgements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('rating', 'reject', 'note')),
    rater TEXT NOT NULL,
    at TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    path NOT NULL,
    value,                               -- number, 1 or text; NULL where there is none (any more)
    run TEXT,                            -- where it was given; stays when that run is deleted
    undoes INTEGER REFERENCES judgements (id)
);
CREATE INDEX judgements_by_image ON judgements (sha256, kind, rater);
CREATE INDEX judgements_undone ON judgements (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX judgements_by_rater ON judgements (rater, id);

CREATE TABLE duels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    series TEXT NOT NULL,                -- duels that belong together
    rater TEXT NOT NULL,
    at TEXT NOT NULL,
    left_sha256 TEXT NOT NULL,
    left_path NOT NULL,
    right_sha256 TEXT NOT NULL,
    right_path NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('left', 'right', 'tie', 'skip')),
    run TEXT,
    retracted TEXT                       -- when it was taken back
);
CREATE INDEX duels_by_series ON duels (series, rater, id);

-- The feature cache. Everything below can be computed again.
CREATE TABLE files (
    path PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    seen INTEGER NOT NULL                -- seconds since 1970
) WITHOUT ROWID;

CREATE TABLE fingerprints (
    fingerprint TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    model NOT NULL,
    revision TEXT NOT NULL,
    first_used TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE spaces (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,           -- empty where no model is involved
    recipe TEXT NOT NULL,                -- JSON: whatever else decides about the values
    shape TEXT NOT NULL DEFAULT '',      -- type and length of its vectors, where it holds vectors
    UNIQUE (kind, fingerprint, recipe)
);

CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    value,                               -- a number or a text; NULL where it is a vector
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,               -- seconds since 1970, to the hour
    UNIQUE (space, sha256)
);
CREATE INDEX entries_by_use ON entries (space, used);

-- Apart from their keys, so that marking an entry as used does not write its vector again.
CREATE TABLE vectors (
    entry INTEGER PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    vector BLOB NOT NULL
);

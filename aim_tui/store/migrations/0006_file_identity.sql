-- A file is known by its inode and by the time of its last change too, which no program can set back. What was hashed
-- before is not known that well, and is hashed again.
DROP TABLE files;
CREATE TABLE files (
    path PRIMARY KEY,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    seen INTEGER NOT NULL                -- seconds since 1970
) WITHOUT ROWID;

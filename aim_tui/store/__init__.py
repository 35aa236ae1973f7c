"""What outlives a run: one SQLite file with runs, ratings and the feature cache; and exports of a run.

Database.open(path)      the file: checked, migrated, safe for several threads and programs at once
Runs(database)           runs and their raw values; a `RunWriter` takes the engine's events
Judgements(database)     ratings, rejections, notes and duels of human raters
FeatureCache(database)   what models have computed already, by content hash and fingerprint
exports.write(run, ...)  a loaded run as CSV, JSON, JSON Lines, Parquet, Markdown or HTML
"""

"""The store: one SQLite file with runs, ratings and the feature cache.

Database.open(path)      the file: checked, migrated, safe for several threads and programs at once
Runs(database)           runs and their raw values; a `RunWriter` takes the engine's events
Judgements(database)     ratings, rejections, notes and duels of human raters
FeatureCache(database)   what models have computed already, by content hash and fingerprint
"""

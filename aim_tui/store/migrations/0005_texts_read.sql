-- How much of its texts a model reads, JSON as in runs.prompt_read: of an image's own prompt and topic by their names,
-- and of everybody's topic; NULL where that is not known.
ALTER TABLE run_images ADD COLUMN texts_read TEXT;
ALTER TABLE runs ADD COLUMN topic_read TEXT;

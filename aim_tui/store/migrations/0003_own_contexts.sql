-- What an image brings itself in the place of the run's: JSON with topic, prompt and reference; NULL where nothing.
ALTER TABLE run_images ADD COLUMN own TEXT;

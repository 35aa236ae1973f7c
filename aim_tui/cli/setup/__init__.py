"""Commands that check and set up: models, metrics, keys, doctor."""

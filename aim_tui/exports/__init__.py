"""Output for other programs and people, through one registry of formats."""

"""Everything that is written for other programs and people: one registry of formats."""

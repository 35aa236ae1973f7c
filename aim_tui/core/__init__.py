"""The judgement: records, metric specifications, normalisation, final score. Pure Python, no I/O."""

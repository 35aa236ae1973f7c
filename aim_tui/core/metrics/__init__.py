"""Metrics: specifications, the registry, profiles and the rules that normalise raw values."""

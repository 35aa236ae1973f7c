"""Scoring: context, items, jobs, events, results and records."""

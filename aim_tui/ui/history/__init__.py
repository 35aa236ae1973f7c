"""Stored runs, and two of them compared."""

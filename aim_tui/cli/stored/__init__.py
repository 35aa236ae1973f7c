"""Commands over what is stored: runs, reports, caches."""

"""The metrics' code, one file each; `core.metrics` says which class belongs to which metric."""

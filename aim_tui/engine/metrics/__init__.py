"""The metrics' code, one file each; `core.metrics` names the class of each metric."""

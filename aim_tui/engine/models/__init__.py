"""The models: each loaded from files on this machine, behind the few calls that a metric needs."""

"""Which rows are shown, and in which order: filters, sorting, mark rules."""

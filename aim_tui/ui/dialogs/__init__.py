"""Dialogs that several subjects share."""

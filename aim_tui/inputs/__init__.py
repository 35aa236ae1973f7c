"""Reading what a user points at: images, folders, manifests, tables and prompts."""

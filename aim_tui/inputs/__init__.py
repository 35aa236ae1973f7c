"""What a user points at: files, folders and globs, and how an image file safely becomes pixels."""

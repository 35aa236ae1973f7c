"""Commands that compare metrics with human ratings."""

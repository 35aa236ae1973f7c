"""Which model files a profile needs, whether they are on this machine, and how to fetch them. Never imports torch."""

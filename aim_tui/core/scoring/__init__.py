"""What a scoring is: context, items, jobs, events, results and records."""

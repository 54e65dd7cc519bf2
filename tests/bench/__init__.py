"""`make bench`: how fast a night is, always as a ratio to peers measured in the same run, never by a timed test."""

"""Pages of members of staff."""

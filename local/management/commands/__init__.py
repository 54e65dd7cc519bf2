"""Commands that only a machine of one's own has."""

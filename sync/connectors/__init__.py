"""One folder per connector; they are strangers to each other."""

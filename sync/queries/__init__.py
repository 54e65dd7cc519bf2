"""Answers for pages, whole: a template never starts another query."""

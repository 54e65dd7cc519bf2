"""Answers about attendance, whole: a template never starts another query."""

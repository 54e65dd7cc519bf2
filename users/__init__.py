"""Accounts, people, ties, classes, memberships, roles and doors."""

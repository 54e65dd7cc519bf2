"""Rows for tests, a few words each; every one is made inside the open school unless it is global."""

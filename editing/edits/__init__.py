"""Edits, and the stack that they form."""

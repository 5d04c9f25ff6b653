"""Text edits (StyleCLIP) and search by text."""

"""The Boundaries tab."""

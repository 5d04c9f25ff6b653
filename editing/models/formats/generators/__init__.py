"""Readers of generators, one per family of checkpoints."""

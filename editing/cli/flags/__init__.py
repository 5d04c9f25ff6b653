"""Flags of the commands; free of torch, so that --help is quick."""

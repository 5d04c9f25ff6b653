"""Containers of foreign files: pickles, archives, arrays."""

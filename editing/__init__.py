"""Latent Studio's library: every algorithm, no user interface.

Modules are imported one by one (``from editing.models.generators.generator import
load_generator``); importing the package alone does nothing.
"""

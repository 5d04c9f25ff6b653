"""Inversion: photo -> latent."""

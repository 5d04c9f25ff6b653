"""Walks through latent space, and the films that they become."""

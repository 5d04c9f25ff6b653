"""Domains, latents and what they are made of."""

"""Panels that stay on the page whatever tab is open."""

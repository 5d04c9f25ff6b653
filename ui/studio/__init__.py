"""What one visitor has; no widget in it."""

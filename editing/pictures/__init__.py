"""Pictures: alignment, masks, metrics, contact sheets."""

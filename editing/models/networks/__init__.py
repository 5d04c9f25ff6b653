"""Networks that read pictures or texts."""

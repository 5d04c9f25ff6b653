"""What every handler runs on: scheduler, cancellation, limits."""

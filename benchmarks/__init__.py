"""Speed and quality benchmarks; each prints a table."""

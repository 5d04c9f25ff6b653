"""The Inversion tab."""

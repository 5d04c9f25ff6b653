"""Figures for papers: grids of equal effect."""

"""Recipes, presets, and their replay."""

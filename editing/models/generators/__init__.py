"""Generators: StyleGAN 1, 2 and 3, and their parts."""

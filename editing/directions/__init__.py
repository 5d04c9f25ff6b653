"""Directions in W, Z and S: found, trained, conditioned, rescored."""

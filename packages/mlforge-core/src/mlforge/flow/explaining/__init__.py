"""Explaining: what one value of one entity is made of, and whether recomputing gives the same."""

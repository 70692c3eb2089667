"""Whole experiments from one recipe: every arm with every seed, the same held-out cases, one report."""

"""A local page of all runs, and of those that are under way."""

"""TinyPy: very small Python programs in seven levels, each with what it prints."""

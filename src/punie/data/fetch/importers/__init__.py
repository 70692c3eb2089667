"""Rows of other people's formats, as rows that mlx-lm can learn from."""

"""Is every row what it must be, for mlx-lm and for a model's own chat template?"""

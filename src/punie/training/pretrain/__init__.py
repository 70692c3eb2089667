"""From seeded text to a language model that mlx-lm loads: how the embedded model is made."""

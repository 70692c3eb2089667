"""A model that other programs can load: adapter fused in, weights quantized, each with proof of what it still does."""

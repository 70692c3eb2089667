"""Several machines that train one adapter together, started by `mlx.launch`."""

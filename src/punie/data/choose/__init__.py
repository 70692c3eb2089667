"""Which rows are kept: rules, transforms, mixtures and recipes."""

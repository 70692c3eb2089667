"""Where rows come from, and whether their solutions are right."""

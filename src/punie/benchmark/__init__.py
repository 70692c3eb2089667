"""How fast a model learns on this machine and what fits into it, measured and foretold."""

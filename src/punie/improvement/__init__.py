"""A model that learns from its own right answers, round by round, until its score stops rising."""

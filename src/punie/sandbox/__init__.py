"""Run code nobody trusts: the judge outside, the candidate inside a child process with limits.

UNSAFE so far: limits, but no jail. `judge` says what that protects and what it does not.
"""

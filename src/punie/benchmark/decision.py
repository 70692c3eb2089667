"""What a step time means for working with a model, in words."""

from __future__ import annotations


def decide(seconds_per_iteration: float, *, fits: bool = True) -> str:
    """By seconds per iteration: up to 5 go, 10 to 30 usable, over 60 too slow; 100 iterations are a short run."""
    short = f"{seconds_per_iteration:.2f} s per iteration, so 100 take {seconds_per_iteration * 100 / 60:.1f} minutes"
    if not fits:
        return f"Does not fit, though {short}. Fewer layers, shorter rows or a smaller model will help."
    if seconds_per_iteration <= 5:
        return f"Go: {short}; ideas can be tried one after another."
    if seconds_per_iteration <= 10:
        return f"Go, with patience: {short}."
    if seconds_per_iteration <= 30:
        return f"Usable: {short}; plan a few runs a day."
    if seconds_per_iteration <= 60:
        return f"Slow: {short}; one run overnight. Fewer layers, shorter rows or a smaller model will help."
    return f"Too slow to work with: {short}. Pivot to a smaller model."

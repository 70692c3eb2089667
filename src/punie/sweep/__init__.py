"""Many settings of a training, or of a model's answers: measured alike, one chosen, the choice measured afresh."""

"""One recipe from rows to a verdict: data, curriculum, training, fusing, quantizing, evaluation, comparison."""

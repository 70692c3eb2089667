"""What was trained, in the form that other programs read, each checked against what it was made of."""

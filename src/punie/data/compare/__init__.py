"""What is alike: duplicates, splits that share nothing, benchmark tasks in the data, difficulty of code."""

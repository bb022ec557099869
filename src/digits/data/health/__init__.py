"""What is wrong with a dataset: duplicates, leaks, conflicts, odd pictures, imbalance, labels that a model doubts. No torch."""

"""What looks without touching: evidence, probing, the oracle, what-if and diagnosis."""

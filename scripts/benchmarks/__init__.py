"""What benchmark.py measures: one command a file."""

"""Faults on purpose: to interrupt a program at one of its file operations, and to compare what two runs left."""

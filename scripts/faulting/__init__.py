"""Deliberate faults: programs are disturbed, and the files of their runs compared with those of undisturbed runs."""

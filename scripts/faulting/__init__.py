"""What breaks on purpose: seeded, repeatable faults, and what must survive them."""

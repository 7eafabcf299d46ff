"""What a table declares, and how its items and expressions become the stored ones."""

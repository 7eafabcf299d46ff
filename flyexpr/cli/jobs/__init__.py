"""Work over many items: side by side, at a pace, with a journal to go on from and a file of what was refused."""

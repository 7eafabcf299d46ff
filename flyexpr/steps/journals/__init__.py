"""What long work has done so far, kept in a file."""

"""The commands, one group a file; each is imported when it is called."""

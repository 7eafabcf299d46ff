"""Work over many items: puts of all, writes to whatever a read gives; with a journal it goes on after a crash."""

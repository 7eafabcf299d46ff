"""What was before: the changes of tables and their streams, the tables at a moment past, their backups."""

"""The changes of a table as they are made, from its stream."""

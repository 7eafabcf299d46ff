"""The SQLite file: how it is opened and shared, which stores it has, and the keys that rows are found by."""

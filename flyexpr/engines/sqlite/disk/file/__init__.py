"""The SQLite file of an engine: opened, watched, converted from an older format, kept on the disk; its transactions."""

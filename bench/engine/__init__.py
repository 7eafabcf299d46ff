"""The embedded engine: in a process, behind its server, beside other engines, in large files."""

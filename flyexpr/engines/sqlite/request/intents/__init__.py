"""What a request asks for, once it is read.

The reader of an operation's request makes one of these records, and nothing behind it looks at the request again. So a
statement, or any other way to ask for the same, is one more reader.
"""

EXPRESSIONS, OLDER, STATEMENT = "expressions", "older parameters", "statement"
"""What asks for a read or a write. Some rules differ by that."""

"""The jobs that flyexpr and other libraries do in turn, on the canned answers of one server."""

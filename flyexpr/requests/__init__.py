"""Operations, and the requests that they become: planned, prepared, and written as JSON."""

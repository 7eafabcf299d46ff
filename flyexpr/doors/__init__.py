"""What both doors open on: steps driven on an engine, and the items of a read; plain, and awaited."""

"""SearchVectors, which the service has a host for: its bodies are read in another way, and its members checked anew."""

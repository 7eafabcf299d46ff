"""The operations of the service, carried out: each reads its request, asks the rules, and works on the disk."""

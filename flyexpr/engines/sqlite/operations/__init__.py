"""The operations of the service, carried out: each takes an intent, asks the rules, and works on the disk."""

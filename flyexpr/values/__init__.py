"""Values: as plain Python and on DynamoDB's wire; their equality, order and size."""

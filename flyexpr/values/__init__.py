"""Values: plain Python ones, and the same on DynamoDB's wire; their equality, order and size."""

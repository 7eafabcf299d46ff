"""Items as text: JSON Lines, DynamoDB JSON, CSV, tables for people, and folders of exports."""

"""Why an item was suggested to a person."""

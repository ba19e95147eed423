"""Why an item was suggested for a need, and what would change its rank."""

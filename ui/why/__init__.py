"""Parts of the page that says why an item was suggested."""

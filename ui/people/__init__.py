"""Parts of the page that suggests to a person."""

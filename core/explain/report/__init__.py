"""An explanation as a sentence and as a file."""

"""Parts of the page that sums up what the model relies on over a catalogue."""

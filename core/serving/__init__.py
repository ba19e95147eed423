"""What serves a catalogue: one value, made in one place."""

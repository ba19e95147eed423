"""Delete means delete: what goes with a catalogue, a log, a version or a run, said before and swept after."""

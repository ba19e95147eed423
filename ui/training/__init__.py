"""The parts of the training page."""

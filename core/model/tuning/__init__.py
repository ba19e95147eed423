"""Tuning of the towers themselves: which parameters are learned, how they are saved, and the way back to zero-shot."""

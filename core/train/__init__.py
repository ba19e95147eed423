"""Training: what is held out, batches, the loop, checkpoints, and how the heads are combined."""

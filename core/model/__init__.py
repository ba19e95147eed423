"""The fusion model: items from tokens of every modality, people from their history, scores as a sum of parts."""

"""Items as a trained model reads them: tokens of pictures and texts, and bags of words."""

"""What a trained model is evaluated on, and what comes of it."""

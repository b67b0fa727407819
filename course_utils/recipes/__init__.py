"""How the course's models are trained on a corpus, one file each: features, model, schedule."""

"""One module per corpus, and what corpora have in common."""

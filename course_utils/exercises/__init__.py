"""Checks, hints and quizzes: one module per notebook, and the framework that they share."""

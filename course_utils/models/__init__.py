"""Networks of the course: each file one family."""

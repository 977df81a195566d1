"""Coverage-guided fuzzing of everything that parses what a client wrote."""

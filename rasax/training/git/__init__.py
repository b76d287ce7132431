"""Git repositories as places where the training data also are: dulwich speaks, nothing is kept on a disk."""

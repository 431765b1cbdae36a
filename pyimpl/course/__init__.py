"""The other ideas of the course: gradient descent, derivatives as slopes, the computation graph."""

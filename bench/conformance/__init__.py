"""What a correct step is: an independent oracle, the error bound, and the cases to try."""

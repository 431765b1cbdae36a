"""The variants of the step as you would read them: each as loops, and in NumPy's products."""

"""Ground floor: the forward/backward step as you would read it, in plain Python and NumPy."""

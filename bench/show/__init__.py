"""How figures are read and written."""

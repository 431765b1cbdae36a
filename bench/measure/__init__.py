"""How a cell is measured."""

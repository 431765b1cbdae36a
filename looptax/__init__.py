"""What a loop costs: rungs to read (`looptax.pyimpl`) and to run (`looptax.kernels`), and how they are measured.

Nothing is imported here: ``from looptax.kernels import fastest`` brings no more than it needs.
"""

__version__ = "0.2.0"

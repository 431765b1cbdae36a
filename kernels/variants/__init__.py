"""Variants of the step, compiled: several classes, X in compressed rows, and curvature."""

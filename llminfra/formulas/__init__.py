"""Pure functions of numbers: SI units, keyword arguments, NumPy broadcasting, no catalogue."""

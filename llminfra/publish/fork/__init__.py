"""Runs notebooks in forks of one process that has loaded the libraries already."""

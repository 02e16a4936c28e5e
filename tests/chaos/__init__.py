"""Runs the program in processes of its own, under load, while everything around it breaks."""

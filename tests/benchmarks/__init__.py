"""Measurements. Nothing here judges a time: the figures and their aims are printed."""

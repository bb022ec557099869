"""Writes the definitions of the standard networks from the tables of their papers: ``python -m scripts.networks``.

The files in ``src/digits/networks/standard`` are what counts and what is read; a test holds them against these functions. LeNet, AlexNet
and GoogLeNet are written by hand.
"""

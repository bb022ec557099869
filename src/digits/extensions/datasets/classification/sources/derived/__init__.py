"""Datasets made of datasets: with other labels, without some pictures, with classes renamed or made one, with more pictures from any source."""

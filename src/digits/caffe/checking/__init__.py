"""``digits caffe check``: what is wrong with a network or a solver file, all of it that can be told, a line each."""

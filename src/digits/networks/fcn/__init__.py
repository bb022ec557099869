"""From a classifier to a fully convolutional network: a class for each pixel instead of one for the picture."""

"""Caffe's definitions: DIGITS' rules for them, solver arithmetic, and the way to a torch.fx graph."""

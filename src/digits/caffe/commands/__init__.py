"""What ``digits caffe ...`` does: one file a command. ``digits.cli`` loads them by name, since they need torch and it must not."""

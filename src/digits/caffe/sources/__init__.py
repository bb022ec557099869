"""What feeds the data layers of a Caffe project: one file a layer type, each with a class that gives batch after batch.

A source is made by ``open_source``; ``Feed`` holds all of a network. Input and DummyData need none: a caller fills the first, the
second fills itself.
"""

"""OpenDIGITS: from a folder of pictures to a trained, tested network."""

__version__ = "0.1.0"

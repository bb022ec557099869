"""An archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz) with one folder a class, perhaps below train, val and test. Nothing is unpacked by name."""

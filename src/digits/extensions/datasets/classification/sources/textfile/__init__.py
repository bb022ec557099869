"""Lists of pictures: text files with a path and the number of a class on each line, and one with the names of the classes."""

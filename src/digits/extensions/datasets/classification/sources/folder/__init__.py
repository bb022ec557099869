"""A folder with one sub-folder a class; validation and testing may have folders of their own, matched by the classes' names."""

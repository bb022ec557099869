"""Medical imaging: the left ventricle in slices of the heart, and epithelium in patches of tissue."""
